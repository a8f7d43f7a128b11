import { join } from "node:path";
import { command } from "../command.ts";
import type { Accelerator, NodeMachine } from "./accelerator.ts";

/** As QEMU's own network has them. */
const addresses = { host: "10.0.2.2", node: "10.0.2.15" };

/** What the kernel is told; the rest goes to its first process. */
export function umlArguments({ disk, folder, memoryMiB }: NodeMachine): string[] {
  return [
    `mem=${memoryMiB}M`,
    // Processes of the node reach its kernel by a signal, without a tracer that stops each: several times quicker.
    "seccomp=on",
    ...[`uml_dir=${folder}/`, "umid=uml"],
    // The disk goes with the node: nothing has to reach the host's own.
    ...[`ubd0=${disk}`, "root=/dev/ubda", "rootfstype=ext4", "rw", "rootflags=nobarrier"],
    ...["con0=null,fd:1", "con=null", "ssl=null"],
    "vec0:transport=tap,ifname=tap0,depth=128,gro=1",
    // Built in, but not the kernel's first choice.
    ...["apparmor=1", "security=apparmor"],
    // Tried without it only: libuv takes it where it is there.
    "sysctl.kernel.io_uring_disabled=2",
  ];
}

/**
 * A shell's script that runs what it is given in namespaces of its own: the network has nothing but the node's other
 * end, and the C library is the one in the folder that is named first, for whatever is linked with it. Its output
 * goes to the file that is named second.
 */
const inItsNamespaces = [
  "UML=$1",
  "export UML",
  "console=$2",
  "shift 2",
  "ip link set lo up",
  "ip tuntap add tap0 mode tap",
  `ip address add ${addresses.host}/24 dev tap0`,
  "ip link set tap0 up",
  // Both files at once: the one does not go with another version of the other.
  'mount -t overlay -o "lowerdir=$UML:/usr/lib/x86_64-linux-gnu" uml /usr/lib/x86_64-linux-gnu',
  'exec "$@" >>"$console"',
].join(" && ");

/** The program that the kernel is started as, at first and at each reboot. */
export const umlStarter = join(import.meta.dirname, "uml-start.sh");

/** Linux as a program of this machine: its processes run at the speed of the machine's own. */
export const uml: Accelerator = {
  needs: [
    { file: "ip", package: "iproute2" },
    { file: "unshare", package: "util-linux" },
  ],
  diskName: "disk.img",
  async makeDisk(base, disk) {
    await command("cp", ["--sparse=always", "--reflink=auto", base, disk]);
  },
  async programOf(machine) {
    const { image, console } = machine;
    const script = ["sh", "-c", inItsNamespaces, "sh", image.uml, console, umlStarter];
    return {
      program: "unshare",
      args: ["--net", "--mount", ...script, ...umlArguments(machine)],
      reach: (pid) => [
        ...["nsenter", `--net=/proc/${pid}/ns/net`],
        ...["socat", "-", `TCP:${addresses.node}:22`],
      ],
    };
  },
};
