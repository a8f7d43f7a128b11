/** What of the host the node runs on: emulation needs nothing, KVM the processor's own virtual machines. */
export type Acceleration = "tcg" | "kvm";

export interface MachineOptions {
  readonly acceleration: Acceleration;
  readonly kernel: string;
  readonly initrd: string;
  /** The node's own layer of the disk. */
  readonly disk: string;
  /** The port of the host's loopback that leads to the node's SSH. */
  readonly sshPort: number;
  /** The file that gets what the node writes on its console. */
  readonly console: string;
  readonly memoryMiB: number;
  readonly processors: number;
}

/** The processor: one that Debian and Docker run on and that is quick to emulate, or the host's own. */
const processor: Readonly<Record<Acceleration, readonly string[]>> = {
  tcg: ["-accel", "tcg,thread=multi,tb-size=1024", "-cpu", "Nehalem,+rdrand"],
  kvm: ["-accel", "kvm", "-cpu", "host"],
};

/**
 * Arguments of qemu-system-x86_64 for a node. `restrict` keeps every packet of the node from leaving the
 * emulator, but for the one port that the host's loopback is led to.
 */
export function qemuArguments(options: MachineOptions): string[] {
  const { acceleration, kernel, initrd, disk, sshPort, console, memoryMiB, processors } = options;
  return [
    ...["-M", "q35", ...processor[acceleration]],
    ...["-m", String(memoryMiB), "-smp", String(processors)],
    ...["-display", "none", "-monitor", "none", "-serial", `file:${console}`],
    ...["-kernel", kernel, "-initrd", initrd],
    ...["-append", "root=/dev/vda rw console=ttyS0 mitigations=off"],
    // A comma in a value is written twice. The disk goes with the node: nothing has to reach the host's own.
    ...["-drive", `file=${disk.replaceAll(",", ",,")},format=qcow2,if=virtio,cache=unsafe`],
    ...["-device", "virtio-rng-pci"],
    ...["-netdev", `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${sshPort}-:22`],
    ...["-device", "virtio-net-pci,netdev=net"],
  ];
}
