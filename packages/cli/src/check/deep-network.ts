import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachmentIps, type Cni, createCni, type Network } from "@dockershim/cni";
import { messageOf } from "../cli-error.js";
import { leaseDirsOf, readLeases } from "../machine/host-local.js";
import { runProgram } from "../machine/run-program.js";
import type { DeepNetworkOutcome } from "./check-facts.js";

/** Longest time that each command may take, in ms. */
const commandMs = 30_000;

const ifName = "eth0";

export interface DeepNetworkOptions {
  readonly binDirs: readonly string[];
  /** The node's files are below it; empty for the node itself. */
  readonly root: string;
  /** $PATH */
  readonly path: string;
  /** Ends the trial; what it has made is taken down all the same. */
  readonly signal: AbortSignal;
}

/**
 * Connects a network namespace that nobody else uses as a pod's would be, has that checked, and takes it down again.
 *
 * The namespace belongs to a process of this command's and ends with it, however this ends; the results of plugins are
 * cached in a folder that is removed.
 *
 * @throws The signal's reason, when all is taken down.
 */
export async function tryNetwork(
  network: Network,
  { binDirs, root, path, signal }: DeepNetworkOptions,
): Promise<DeepNetworkOutcome> {
  const containerId = `dockershim-check-${randomBytes(8).toString("hex")}`;
  const began = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "dockershim-check-"));
  const cni = createCni({
    binDirs,
    cacheDir: folder,
    timeoutMs: commandMs,
    cleanupTimeoutMs: commandMs,
  });
  let outcome: Outcome;
  try {
    const scratch = await openScratchNetns(path);
    try {
      outcome = await run(cni, network, { containerId, netns: scratch.netns, signal });
    } finally {
      await scratch.close();
    }
    if (outcome.failedAt === "none") {
      const { interfaces } = outcome;
      const left = await findLeft(network, { root, path }, { containerId, interfaces });
      if (left.length > 0) {
        outcome = { ...outcome, failedAt: "leftovers", message: left.join(", ") };
      }
    }
  } catch (error) {
    const message = messageOf(error);
    outcome = { failedAt: "netns", message, addresses: [], checked: false, interfaces: [] };
  } finally {
    cni.close();
    await rm(folder, { recursive: true, force: true });
  }
  signal.throwIfAborted();
  const { interfaces: _, ...told } = outcome;
  return { ...told, milliseconds: Math.round(performance.now() - began) };
}

interface Outcome extends Omit<DeepNetworkOutcome, "milliseconds"> {
  /** The ends on the node of what connected the namespace. */
  readonly interfaces: readonly string[];
}

async function run(
  cni: Cni,
  network: Network,
  {
    containerId,
    netns,
    signal,
  }: { readonly containerId: string; readonly netns: string; readonly signal: AbortSignal },
): Promise<Outcome> {
  let failedAt: DeepNetworkOutcome["failedAt"] = "ADD";
  let addresses: readonly string[] = [];
  let interfaces: readonly string[] = [];
  let checked = false;
  let message = "";
  try {
    const result = await cni.add(network, { containerId, ifName, netns }, { signal });
    addresses = attachmentIps(result, ifName);
    // A bridge is every pod's and stays.
    interfaces = result.interfaces
      .filter(({ name, sandbox }) => !sandbox && /^veth/.test(name))
      .map(({ name }) => name);
    failedAt = "CHECK";
    checked = (await cni.check({ containerId, ifName, netns }, { signal })) === "checked";
    failedAt = "none";
  } catch (error) {
    message = messageOf(error);
  }
  try {
    // After an ADD that failed there is nothing to do: DEL has run.
    await cni.del({ containerId, ifName, netns });
  } catch (error) {
    if (failedAt === "none") failedAt = "DEL";
    message = [message, messageOf(error)].filter(Boolean).join("; ");
  }
  return { failedAt, message, addresses, checked, interfaces };
}

/** A network namespace that lives as long as a process which does nothing, and which ends with this one. */
async function openScratchNetns(
  path: string,
): Promise<{ readonly netns: string; close(): Promise<void> }> {
  const child = spawn("unshare", ["--net", "sh", "-c", "echo ready; exec cat"], {
    stdio: ["pipe", "pipe", "pipe"],
    // In a process group of its own: on Ctrl-C it is needed for DEL.
    detached: true,
    env: { PATH: path },
  });
  const ended = once(child, "close").catch(() => undefined);
  let stderr = "";
  child.stdin.on("error", () => undefined);
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.stdout.once("data", () => resolve());
    child.once("close", () => reject(new Error(stderr.trim() || "unshare --net failed")));
  });
  return {
    netns: `/proc/${child.pid}/ns/net`,
    async close() {
      // `cat` ends at the end of its input, and the namespace with it.
      child.stdin.end();
      await ended;
    },
  };
}

/** What is left of the container: addresses of host-local, rules that name it, its interfaces on the node. */
async function findLeft(
  network: Network,
  { root, path }: { readonly root: string; readonly path: string },
  {
    containerId,
    interfaces,
  }: { readonly containerId: string; readonly interfaces: readonly string[] },
): Promise<string[]> {
  const dirs = [...new Set(leaseDirsOf(network))];
  const leases = (await Promise.all(dirs.map((dir) => readLeases(join(root, dir))))).flat();
  const rules = await runProgram("iptables-save", [], { path, timeoutMs: 5_000 });
  const isThere = (name: string): Promise<boolean> =>
    stat(`/sys/class/net/${name}`).then(
      () => true,
      () => false,
    );
  const ends = await Promise.all(
    interfaces.map(async (name) => ((await isThere(name)) ? [`interface ${name}`] : [])),
  );
  return [
    ...leases.filter(({ id }) => id === containerId).map(({ file }) => file),
    ...rules.stdout.split("\n").filter((line) => line.includes(containerId)),
    ...ends.flat(),
  ];
}
