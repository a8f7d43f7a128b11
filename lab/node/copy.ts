import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { command, toolPath } from "../command.ts";
import { LabError } from "../lab-error.ts";
import { quote } from "../quote.ts";
import { type Remote, sshArguments, thereDir } from "./remote.ts";

const checkoutDir = resolve(import.meta.dirname, "../..");

/** What of the checkout is not copied with every change: large, of this machine only, or a result. */
const aside = ["./node_modules", "./.tools", "./.git", "./.turbo", "./out", "./coverage"];

/** Programs that lint and build, nearly half of all dependencies: nobody does that in the node. */
const builders = ["@biomejs+cli-*", "@bufbuild+buf-*", "@turbo+*"].map(
  (name) => `./node_modules/.pnpm/${name}`,
);

const excluding = (paths: readonly string[]): string[] => paths.map((path) => `--exclude=${path}`);

/** Waits for two programs of which the second reads what the first writes, and resolves with their exit codes. */
async function pipe(
  from: ChildProcessByStdio<null, Readable, null>,
  to: ChildProcess,
): Promise<number[]> {
  // The pipe is theirs alone, so that the one learns when the other ends.
  from.stdout.destroy();
  const ends = await Promise.all([from, to].map((child) => once(child, "close")));
  return ends.map(([code]) => code ?? 128);
}

/** What tar ends with when a file changed or went while it was read, and nothing else was amiss. */
const filesChanged = 1;

/** How often that is borne, and for how long it is waited. */
const changesBorne = 5;
const changePauseMs = 3000;

/**
 * Packs files here and has a line of the node's shell read the archive. Again after a while when files changed
 * meanwhile, as those of a build do: the line must bear that.
 */
async function pack(remote: Remote, args: readonly string[], line: string): Promise<void> {
  for (let changes = 0; changes < changesBorne; changes++) {
    if (changes > 0) await delay(changePauseMs);
    const [packed, sent] = await packOnce(remote, args, line);
    if (packed === 0 && sent === 0) return;
    if (packed !== filesChanged || sent !== 0) {
      throw new LabError("command", `copying to the node failed: tar ${args.join(" ")}`);
    }
    console.error("lab: files changed while they were copied to the node");
  }
  throw new LabError(
    "command",
    `what is copied to the node does not stand still: ${args.join(" ")}`,
  );
}

function packOnce(remote: Remote, args: readonly string[], line: string): Promise<number[]> {
  const env = { ...process.env, PATH: toolPath };
  // What the node needn't decipher is worth more to it than what zstd costs it.
  const tar = spawn("tar", ["-c", "--zstd", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  const ssh = spawn("ssh", sshArguments(remote, [line]), {
    stdio: [tar.stdout, "ignore", "inherit"],
    env,
  });
  return pipe(tar, ssh);
}

async function ask(remote: Remote, line: string): Promise<string> {
  return (await command("ssh", sshArguments(remote, [line]))).trim();
}

/** What the checkout's programs come from: the lock file, and the Node that runs us. */
function programsHash(): string {
  const lock = readFileSync(join(checkoutDir, "pnpm-lock.yaml"));
  return createHash("sha256").update(lock).update(process.version).digest("hex");
}

/**
 * Copies this checkout, as it was built, to the node: its dependencies and Node only when they are others than
 * the node has.
 *
 * @throws {LabError} `host` when the Node that runs us does not run there
 */
export async function copyCheckout(remote: Remote): Promise<void> {
  const stamp = `${thereDir}/node_modules/.lab-programs`;
  const hash = programsHash();
  if ((await ask(remote, `cat ${stamp} 2>/dev/null || true`)) !== hash) {
    await copyNode(remote);
    await pack(
      remote,
      ["-C", checkoutDir, ...excluding(builders), "./node_modules"],
      `rm -rf ${thereDir}/node_modules && mkdir -p ${thereDir} && tar -x --zstd -C ${thereDir} && sync`,
    );
    await ask(remote, `echo ${hash} >${stamp}`);
  }
  await pack(
    remote,
    ["-C", checkoutDir, ...excluding(aside), "."],
    `cd ${thereDir} && find . -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} + && tar -x --zstd`,
  );
}

/** Copies the Node that runs us; Debian's own is no single program, and cannot run TypeScript. */
async function copyNode(remote: Remote): Promise<void> {
  const { execPath } = process;
  await pack(
    remote,
    ["-C", dirname(execPath), basename(execPath)],
    `tar -x --zstd -C /usr/local/bin --transform 's,.*,node,'`,
  );
  const says = await ask(remote, "node -p process.features.typescript 2>&1 || true");
  if (says === "strip") return;
  throw new LabError("host", `this Node does not run TypeScript in the node: ${says}; take npm's`);
}

/**
 * Copies a folder into a folder of the node, unless it is there: one of a cache, whose name tells its content.
 * It is there whole or not at all.
 */
export async function copyOnce(remote: Remote, path: string, folder: string): Promise<void> {
  const whole = resolve(path);
  const target = join(folder, basename(whole));
  if ((await ask(remote, `test -e ${quote(target)} && echo there || true`)) === "there") return;
  console.error(`lab: copying ${basename(whole)} to the node`);
  const part = quote(`${target}.part`);
  await pack(
    remote,
    ["-C", whole, "."],
    `rm -rf ${part} && mkdir -p ${part} && tar -x --zstd -C ${part}`,
  );
  await ask(remote, `mv -T ${part} ${quote(target)}`);
}

/**
 * Copies a folder's files out of the node into a folder of this machine, whose files of those names they replace; one
 * that is not there has none.
 */
export async function fetchFolder(remote: Remote, path: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const line = `mkdir -p ${quote(path)} && tar -c --zstd -C ${quote(path)} .`;
  const env = { ...process.env, PATH: toolPath };
  const ssh = spawn("ssh", sshArguments(remote, [line]), {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  const unpack = spawn("tar", ["-x", "--zstd", "-C", folder], {
    stdio: [ssh.stdout, "ignore", "inherit"],
    env,
  });
  const codes = await pipe(ssh, unpack);
  if (codes.some((code) => code !== 0)) {
    throw new LabError("command", `copying ${path} from the node failed`);
  }
}

/** Copies a file or folder into a folder of the node. */
export async function copyPath(remote: Remote, path: string, folder: string): Promise<void> {
  const whole = resolve(path);
  const target = quote(folder);
  await pack(
    remote,
    ["-C", dirname(whole), basename(whole)],
    `mkdir -p ${target} && tar -x --zstd -C ${target}`,
  );
}
