import { spawn } from "node:child_process";
import type { HeldNetns } from "./netns.js";

/**
 * Makes a network namespace that looks, to a plugin's DEL, like the one that is
 * gone: it has an interface of the name with the addresses.
 *
 * The bridge and ptp plugins (1.1.1 as well as 1.9.1) learn only from the
 * interface in the namespace which addresses' masquerading they have to remove.
 * When the sandbox is gone, they leave two iptables rules and a chain behind
 * for every pod; with the stand-in they remove them.
 *
 * Needs `unshare`, `sh` and `ip`.
 *
 * @param addresses in CIDR notation
 */
export type MakeStandInNetns = (
  ifName: string,
  addresses: readonly string[],
  signal: AbortSignal,
) => Promise<HeldNetns>;

/** The interface's other end needs a name too; 15 bytes that no pod's interface has. */
const script = `
set -e
ifname=$1
shift
ip link add "$ifname" type veth peer name dockershim-peer
for address; do ip address add "$address" dev "$ifname"; done
echo ready
exec cat
`;

export const makeStandInNetns: MakeStandInNetns = (ifName, addresses, signal) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const child = spawn("unshare", ["--net", "sh", "-c", script, "sh", ifName, ...addresses], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stderr = "";
    const ended = new Promise<void>((settle) => {
      child.on("close", () => {
        signal.removeEventListener("abort", onAbort);
        settle();
      });
    });
    const onAbort = () => child.kill("SIGKILL");
    signal.addEventListener("abort", onAbort, { once: true });
    child.on("error", reject);
    child.stdin.on("error", () => {});
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    child.stdout.once("data", () => {
      resolve({
        path: `/proc/${child.pid}/ns/net`,
        release: () => {
          // `cat` ends at the end of its input, and the namespace with it.
          child.stdin.end();
          return ended;
        },
      });
    });
    child.on("close", () => {
      reject(signal.reason ?? new Error(stderr.trim() || "unshare failed"));
    });
  });
