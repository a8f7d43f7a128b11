import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { CniError } from "./errors.js";
import { isProcessPath } from "./netns.js";

/**
 * Brings up the interface `lo` of a network namespace.
 *
 * @param netns path of the namespace
 * @throws CniError `loopback_failed`
 */
export type LoopbackUp = (netns: string, signal?: AbortSignal) => Promise<void>;

/**
 * Whether `lo` is up, found out without entering the namespace: when it comes
 * up, the kernel gives it 127.0.0.1, which then is in the routing table that
 * `/proc/<pid>/net` shows. Undefined where the path does not go through a
 * process or the table cannot be read.
 */
export async function isLoopbackUp(netns: string): Promise<boolean | undefined> {
  if (!isProcessPath(netns)) return undefined;
  const table = netns.replace(/\/ns\/net$/, "/net/fib_trie");
  const text = await readFile(table, "latin1").catch(() => undefined);
  return text?.includes(" 127.0.0.1\n");
}

/**
 * Brings `lo` up without the loopback plugin: not at all where it is up already
 * (Docker does it for a sandbox in network mode `none`), and otherwise with
 * `nsenter` and `ip`.
 */
export function createLoopbackUp(): LoopbackUp {
  return async (netns, signal) => {
    if (await isLoopbackUp(netns)) return;
    const args = [`--net=${netns}`, "ip", "link", "set", "lo", "up"];
    await new Promise<void>((resolve, reject) => {
      execFile("nsenter", args, { signal }, (error, _stdout, stderr) => {
        if (error === null) {
          resolve();
          return;
        }
        const why = stderr.trim() || error.message;
        reject(
          new CniError("loopback_failed", `cannot bring up lo in ${netns}: ${why}`, {
            cause: error,
            stderr,
          }),
        );
      });
    });
  };
}
