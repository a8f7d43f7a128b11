import { PodSandboxError } from "./pod-sandbox-error.js";

/**
 * Checks an absolute path.
 *
 * @throws PodSandboxError `invalid_argument`
 */
export function validateAbsolutePath(path: string, field: string): void {
  if (path === "") throw new PodSandboxError("invalid_argument", field, "must not be empty");
  if (!path.startsWith("/")) {
    const reason = `${JSON.stringify(path)} must be an absolute path`;
    throw new PodSandboxError("invalid_argument", field, reason);
  }
  refuseNul(path, field);
}

/**
 * Checks a path that must stay below the directory it is taken in.
 *
 * @throws PodSandboxError `invalid_argument`
 */
export function validateRelativePath(path: string, field: string): void {
  if (path.startsWith("/")) {
    const reason = `${JSON.stringify(path)} must be a relative path`;
    throw new PodSandboxError("invalid_argument", field, reason);
  }
  refuseParent(path, field);
  refuseNul(path, field);
}

/** Refuses a path with a `..` element. */
export function refuseParent(path: string, field: string): void {
  if (!path.split("/").includes("..")) return;
  const reason = `${JSON.stringify(path)} must not have '..' in it`;
  throw new PodSandboxError("invalid_argument", field, reason);
}

/**
 * Checks `PodSandboxConfig.log_directory`; empty stands for none.
 *
 * @throws PodSandboxError `invalid_argument`
 */
export function validateLogDirectory(path: string, field: string): void {
  if (path === "") return;
  validateAbsolutePath(path, field);
  refuseParent(path, field);
}

function refuseNul(path: string, field: string): void {
  if (path.includes("\0")) {
    throw new PodSandboxError("invalid_argument", field, "must not contain NUL");
  }
}
