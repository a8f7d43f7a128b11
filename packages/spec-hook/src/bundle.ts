import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type OciSpec, parseSpec, specText } from "./oci-spec.js";
import { SpecHookError } from "./spec-hook-error.js";

/** A container's folder as containerd made it, with the spec that its runtime is about to read. */
export interface Bundle {
  readonly path: string;
  /** Id of the container. */
  readonly id: string;
  readonly spec: OciSpec;
  /** Puts another spec in its place: at once, and never half of it. */
  replace(spec: OciSpec): void;
}

const writableByOthers = 0o022;
const sticky = 0o1000;

/** Docker's specs have some 50 kB, most of it the seccomp profile. */
const maxSpecBytes = 16 * 1024 * 1024;

const bundlePath = /^\/(?:.+\/)?io\.containerd\.runtime\.v2\.task\/[^/]+\/([0-9a-f]{64})$/;

/**
 * Opens a bundle that somebody named.
 *
 * All of it is synchronous: bundles are in memory (tmpfs), and a thread pool's some twenty turns would cost more.
 *
 * @throws SpecHookError `not_a_bundle` when it is not where containerd keeps bundles, or when anybody but root could
 * have put it there
 */
export function openBundle(path: string): Bundle {
  const [, id] = bundlePath.exec(path) ?? [];
  if (id === undefined) refuse(path, "is no path of a bundle");
  requireRootsFolder(path);
  const file = join(path, "config.json");
  const { text, mode } = readOwn(file);
  let spec: OciSpec;
  try {
    spec = parseSpec(text);
  } catch (cause) {
    refuse(file, "is no JSON object", cause);
  }
  return { path, id, spec, replace: (changed) => replaceFile(file, specText(changed), mode) };
}

function refuse(path: string, reason: string, cause?: unknown): never {
  throw new SpecHookError("not_a_bundle", `${path} ${reason}`, { cause });
}

function requireRootsFolder(path: string): void {
  let real: string;
  try {
    real = realpathSync(path);
  } catch (cause) {
    refuse(path, "cannot be found", cause);
  }
  if (real !== path) refuse(path, "leads elsewhere");
  const problem = othersProblem(path);
  if (problem !== undefined) throw new SpecHookError("not_a_bundle", problem);
}

/**
 * Why somebody but root could have made or moved a folder on the way to a path; undefined where nobody could. In a
 * sticky one others can move only what is theirs.
 */
export function othersProblem(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    const { uid, mode } = lstatSync(folder);
    if (uid !== 0) return `${folder} is not root's`;
    if ((mode & writableByOthers) !== 0 && (mode & sticky) === 0) {
      return `${folder} is not only root's`;
    }
    if (folder === "/") return undefined;
  }
}

function readOwn(file: string): { text: string; mode: number } {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    refuse(file, "cannot be opened", cause);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.uid !== 0) refuse(file, "is no file of root's");
    if (stat.size > maxSpecBytes) refuse(file, `is larger than ${maxSpecBytes} bytes`);
    return { text: readFileSync(fd, "utf8"), mode: stat.mode & 0o777 };
  } finally {
    closeSync(fd);
  }
}

function replaceFile(file: string, text: string, mode: number): void {
  const draft = `${file}.dockershim`;
  // A draft that is there is of a daemon that died over it.
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { flag: "wx", mode });
  renameSync(draft, file);
}
