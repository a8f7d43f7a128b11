import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { command, tryCommand } from "./command.ts";
import { findProgram, unpackPackages } from "./debian.ts";
import { LabError } from "./lab-error.ts";

/** Copies a file of the host into the root file system, replacing (never following) what is there. */
export function addFile(root: string, source: string, target: string, mode = 0o755): void {
  const path = join(root, target);
  mkdirSync(dirname(path), { recursive: true });
  // An applet's hard link of that name must not lead the copy into busybox itself.
  rmSync(path, { force: true });
  copyFileSync(source, path);
  chmodSync(path, mode);
}

/** Adds a program with the shared libraries and the loader that it needs; a static one needs none. */
export async function addProgram(root: string, source: string, target: string): Promise<void> {
  addFile(root, realpathSync(source), target);
  const { code, stdout, stderr } = await tryCommand("ldd", [source]);
  if (code !== 0 && !/not a dynamic executable/.test(stderr)) {
    throw new LabError("host", `ldd does not tell what ${source} needs: ${stderr.trim()}`);
  }
  for (const [library] of stdout.matchAll(/\/\S+(?= \(0x)/g)) {
    if (!existsSync(join(root, library))) addFile(root, realpathSync(library), library);
  }
}

export function addText(root: string, target: string, text: string): void {
  mkdirSync(dirname(join(root, target)), { recursive: true });
  writeFileSync(join(root, target), text);
}

/** The folders and account files that every image of the lab has. */
function addBase(root: string): void {
  for (const folder of ["dev", "proc", "sys", "run", "home", "var/tmp"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  mkdirSync(join(root, "root"), { mode: 0o700 });
  mkdirSync(join(root, "tmp"));
  chmodSync(join(root, "tmp"), 0o1777);
  addText(
    root,
    "etc/passwd",
    [
      "root:x:0:0:root:/root:/bin/sh",
      "daemon:x:1:1:daemon:/usr/sbin:/bin/false",
      "www-data:x:33:33:www-data:/var/www:/bin/false",
      "nobody:x:65534:65534:nobody:/:/bin/false",
      "",
    ].join("\n"),
  );
  addText(
    root,
    "etc/group",
    "root:x:0:\ndaemon:x:1:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n",
  );
}

/** A user of ID 1000 who is also in the group `group-defined-in-image` of ID 50000. */
export function addUserInGroup(root: string, name: string): void {
  const accounts = {
    "etc/passwd": `${name}:x:1000:1000::/home/${name}:/bin/sh\n`,
    "etc/group": `${name}:x:1000:\ngroup-defined-in-image:x:50000:${name}\n`,
  };
  for (const [file, lines] of Object.entries(accounts)) appendFileSync(join(root, file), lines);
}

async function linkApplets(root: string): Promise<void> {
  const busybox = join(root, "bin/busybox");
  for (const applet of (await command(busybox, ["--list-full"])).split("\n").filter(Boolean)) {
    const path = join(root, applet);
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true });
    linkSync(busybox, path);
  }
}

/** Fetches the dynamic busybox, which the machine's own static one rules out as an installed package. */
export async function unpackBusybox(cacheDir: string, signal?: AbortSignal): Promise<string> {
  const folder = join(cacheDir, "busybox");
  await unpackPackages(folder, ["busybox"], { signal });
  return folder;
}

/**
 * A busybox root file system of dynamic programs, with the real pgrep, ipcs and ipcmk: tests of process and
 * IPC namespaces call those with options that busybox has not.
 */
export async function busyboxRoot(root: string, cacheDir: string): Promise<void> {
  const unpacked = await unpackBusybox(cacheDir);
  addBase(root);
  const busybox = ["bin/busybox", "usr/bin/busybox"].find((path) =>
    existsSync(join(unpacked, path)),
  );
  if (busybox === undefined) throw new LabError("host", "Debian's package busybox has no busybox");
  await addProgram(root, join(unpacked, busybox), "bin/busybox");
  await linkApplets(root);
  for (const tool of ["pgrep", "ipcs", "ipcmk"]) {
    const found = findProgram(tool);
    if (found === undefined) throw new LabError("host", `${tool} is not on this machine`);
    await addProgram(root, found, `usr/bin/${tool}`);
  }
}

/** A root file system of one static busybox: small, and sharing no file with the other images. */
export async function staticBusyboxRoot(root: string): Promise<void> {
  addBase(root);
  addFile(root, "/bin/busybox", "bin/busybox");
  await linkApplets(root);
  addText(root, "etc/dockershim-lab", "This image is served by the lab's registry.\n");
}
