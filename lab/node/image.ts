import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { mirror } from "../apt.ts";
import { cacheFolder, type Filling } from "../cache.ts";
import { command } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { installMissing, type Need, unpackPackages } from "../debian.ts";
import { LabError } from "../lab-error.ts";
import { addText } from "../rootfs.ts";
import { type NodeRecipe, nodeRecipe, recipeHash } from "./recipe.ts";
import { thereCache } from "./remote.ts";

/** What a node starts from: a folder of the cache that no node changes. */
export interface NodeImage {
  /** A raw disk with one file system and no partitions. */
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  /** A folder with the kernel that is a program, and its C library. */
  readonly uml: string;
  /** Private half of the one SSH key that the node's root lets in. */
  readonly key: string;
  /** The node's own public SSH key, such as "ssh-ed25519 AAAA…". */
  readonly hostKey: string;
}

const needs: readonly Need[] = [
  { file: "mmdebstrap", package: "mmdebstrap" },
  { file: "mke2fs", package: "e2fsprogs" },
  { file: "ssh", package: "openssh-client" },
  { file: "socat", package: "socat" },
];

/**
 * Finds the disk that the recipe makes, and makes it the first time: about two minutes.
 *
 * @param machineNeeds - what the node's machine is made of
 * @throws {LabError} `host` where the node cannot run
 */
export async function nodeImage(
  config: LabConfig,
  machineNeeds: readonly Need[],
  signal?: AbortSignal,
): Promise<NodeImage> {
  if (arch() !== "x64") throw new LabError("host", "the node runs on x86-64 only");
  await installMissing([...needs, ...machineNeeds], signal);
  const folder = join(config.cacheDir, `node-${recipeHash(nodeRecipe)}`);
  mkdirSync(config.cacheDir, { recursive: true });
  const what = `making the node's disk: Debian ${nodeRecipe.suite} with Docker; this takes minutes, once`;
  await cacheFolder(folder, { what, signal }, (filling) => makeImage(nodeRecipe, filling));
  return {
    disk: join(folder, "disk.img"),
    kernel: join(folder, "vmlinuz"),
    initrd: join(folder, "initrd"),
    uml: join(folder, "uml"),
    key: join(folder, "key"),
    hostKey: readFileSync(join(folder, "host-key.pub"), "utf8").trim(),
  };
}

/** Fills a folder of the cache from the recipe. */
async function makeImage(recipe: NodeRecipe, { part, lock, signal }: Filling): Promise<void> {
  const options = { inherit: lock, signal };
  const first = join(part, "first");
  const root = join(part, "root");
  const key = join(part, "key");
  await command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", key], options);
  fillFirst(first, recipe, readFileSync(`${key}.pub`, "utf8"));
  await command(
    "mmdebstrap",
    [
      ...["--variant=minbase", "--mode=root", "--format=directory"],
      // A mirror may stand still at some day for good; its signatures are checked all the same.
      '--aptopt=Acquire::Check-Valid-Until "false"',
      `--include=${recipe.packages.join(",")}`,
      `--setup-hook=sync-in ${first} /`,
      `--customize-hook=chroot "$1" systemctl enable ${recipe.enabled.join(" ")}`,
      '--customize-hook=chmod 755 "$1"/usr/local/lib/node/no-firewall',
      // The package has its modules where no program looks for them.
      '--customize-hook=for path in "$1"/usr/lib/uml/modules/*; do ln -s ../uml/modules/$(basename "$path") "$1"/usr/lib/modules/; done',
      ...[recipe.suite, root, await mirror()],
    ],
    options,
  );
  for (const [name, { suite, packages }] of Object.entries(recipe.unpacked)) {
    const folder = join(root, thereCache, name);
    mkdirSync(join(folder, ".."), { recursive: true });
    await unpackPackages(folder, packages, { suite, signal });
  }
  await takeBoot(root, part);
  const disk = join(part, "disk.img");
  await command("mke2fs", ["-q", ...recipe.fileSystem, "-d", root, disk, recipe.diskSize], options);
  for (const folder of [first, root]) rmSync(folder, { recursive: true });
}

/** The files that are on the node before its first package: those of the recipe, its masked units, its key. */
function fillFirst(first: string, recipe: NodeRecipe, publicKey: string): void {
  for (const [path, text] of Object.entries(recipe.files)) addText(first, path, text);
  const units = join(first, "etc/systemd/system");
  mkdirSync(units, { recursive: true });
  for (const unit of recipe.masked) symlinkSync("/dev/null", join(units, unit));
  addText(first, "root/.ssh/authorized_keys", publicKey);
  for (const path of ["root", "root/.ssh"]) chmodSync(join(first, path), 0o700);
}

/** Copies what boots the node out of its root, for nothing in the emulator reads the disk before. */
async function takeBoot(root: string, part: string): Promise<void> {
  const boot = join(root, "boot");
  for (const name of ["vmlinuz", "initrd"]) {
    const found = readdirSync(boot).find((entry) => entry.startsWith(name));
    if (found === undefined) throw new LabError("host", `the node's /boot has no ${name}`);
    await command("cp", [join(boot, found), join(part, name)]);
  }
  await takeUml(root, join(part, "uml"));
  const hostKey = join(root, "etc/ssh/ssh_host_ed25519_key.pub");
  await command("cp", [hostKey, join(part, "host-key.pub")]);
}

/** Copies user-mode Linux with the C library that it is linked with, for the machine's own may be older. */
async function takeUml(root: string, folder: string): Promise<void> {
  mkdirSync(folder);
  const libraries = join(root, "usr/lib/x86_64-linux-gnu");
  const files = ["ld-linux-x86-64.so.2", "libc.so.6"].map((name) => join(libraries, name));
  await command("cp", ["-L", join(root, "usr/bin/linux.uml"), ...files, folder]);
}
