import { constants } from "node:fs";
import { lstat, open, realpath, rename, rm } from "node:fs/promises";
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
  replace(spec: OciSpec): Promise<void>;
}

const writableByOthers = 0o022;
const sticky = 0o1000;

/** Docker's specs have some 50 kB, most of it the seccomp profile. */
const maxSpecBytes = 16 * 1024 * 1024;

const bundlePath = /^\/(?:.+\/)?io\.containerd\.runtime\.v2\.task\/[^/]+\/([0-9a-f]{64})$/;

/**
 * Opens a bundle that somebody named.
 *
 * @throws SpecHookError `not_a_bundle` when it is not where containerd keeps bundles, or when anybody but root could
 * have put it there
 */
export async function openBundle(path: string): Promise<Bundle> {
  const [, id] = bundlePath.exec(path) ?? [];
  if (id === undefined) refuse(path, "is no path of a bundle");
  await requireRootsFolder(path);
  const file = join(path, "config.json");
  const { text, mode } = await readOwn(file);
  let spec: OciSpec;
  try {
    spec = parseSpec(text);
  } catch (cause) {
    refuse(file, "is no JSON object", cause);
  }
  return {
    path,
    id,
    spec,
    replace: async (changed) => await replaceFile(file, specText(changed), mode),
  };
}

function refuse(path: string, reason: string, cause?: unknown): never {
  throw new SpecHookError("not_a_bundle", `${path} ${reason}`, { cause });
}

/** Nobody but root can have made or moved any folder on the way; in a sticky one others can move only what is theirs. */
async function requireRootsFolder(path: string): Promise<void> {
  const real = await realpath(path).catch((cause) => refuse(path, "cannot be found", cause));
  if (real !== path) refuse(path, "leads elsewhere");
  for (let folder = path; ; folder = dirname(folder)) {
    const { uid, mode } = await lstat(folder);
    if (uid !== 0) refuse(folder, "is not root's");
    if ((mode & writableByOthers) !== 0 && (mode & sticky) === 0) {
      refuse(folder, "is not only root's");
    }
    if (folder === "/") return;
  }
}

async function readOwn(file: string): Promise<{ text: string; mode: number }> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause) =>
    refuse(file, "cannot be opened", cause),
  );
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.uid !== 0) refuse(file, "is no file of root's");
    if (stat.size > maxSpecBytes) refuse(file, `is larger than ${maxSpecBytes} bytes`);
    return { text: await handle.readFile("utf8"), mode: stat.mode & 0o777 };
  } finally {
    await handle.close();
  }
}

async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.dockershim`;
  // A draft that is there is of a daemon that died over it.
  await rm(draft, { force: true });
  const handle = await open(draft, "wx", mode);
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
