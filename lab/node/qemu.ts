import { command } from "../command.ts";
import { freePort } from "../ports.ts";
import type { Accelerator, NodeMachine } from "./accelerator.ts";

/** How QEMU runs the processor: emulation needs nothing of the host, KVM its own virtual machines. */
export type Processor = "tcg" | "kvm";

/** The processor: one that Debian and Docker run on and that is quick to emulate, or the host's own. */
const processorArguments: Readonly<Record<Processor, readonly string[]>> = {
  tcg: ["-accel", "tcg,thread=multi,tb-size=1024", "-cpu", "Nehalem,+rdrand"],
  kvm: ["-accel", "kvm", "-cpu", "host"],
};

/**
 * Arguments of qemu-system-x86_64 for a node. `restrict` keeps every packet of the node from leaving the
 * emulator, but for the one port that the host's loopback is led to.
 *
 * @param sshPort - the port of the host's loopback that leads to the node's SSH
 */
export function qemuArguments(
  processor: Processor,
  { image, disk, console, memoryMiB, processors }: NodeMachine,
  sshPort: number,
): string[] {
  return [
    ...["-M", "q35", ...processorArguments[processor]],
    ...["-m", String(memoryMiB), "-smp", String(processors)],
    ...["-display", "none", "-monitor", "none", "-serial", `file:${console}`],
    ...["-kernel", image.kernel, "-initrd", image.initrd],
    ...["-append", "root=/dev/vda rw console=ttyS0 mitigations=off"],
    // A comma in a value is written twice. The disk goes with the node: nothing has to reach the host's own.
    ...["-drive", `file=${disk.replaceAll(",", ",,")},format=qcow2,if=virtio,cache=unsafe`],
    ...["-device", "virtio-rng-pci"],
    ...["-netdev", `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${sshPort}-:22`],
    ...["-device", "virtio-net-pci,netdev=net"],
  ];
}

/** A virtual machine with the kernel of the node's own Debian. */
export function qemu(processor: Processor): Accelerator {
  return {
    needs: [
      { file: "qemu-system-x86_64", package: "qemu-system-x86" },
      { file: "qemu-img", package: "qemu-utils" },
    ],
    diskName: "disk.qcow2",
    async makeDisk(base, disk) {
      await command("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, disk]);
    },
    async programOf(machine) {
      const sshPort = await freePort("127.0.0.1");
      const args = qemuArguments(processor, machine, sshPort);
      return {
        program: "nice",
        args: ["-n", "10", "qemu-system-x86_64", ...args],
        reach: () => ["socat", "-", `TCP:127.0.0.1:${sshPort}`],
      };
    },
  };
}
