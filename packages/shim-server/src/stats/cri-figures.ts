import type {
  CpuUsage as CgroupCpu,
  MemoryUsage as CgroupMemory,
  NetworkUsage as CgroupNetwork,
  SwapUsage as CgroupSwap,
  InterfaceUsage,
  Pressure,
  PressureData,
} from "@dockershim/cgroups";
import type {
  CpuUsage,
  IoUsage,
  MemoryUsage,
  NetworkInterfaceUsage,
  NetworkUsage,
  PsiData,
  PsiStats,
  SwapUsage,
  UInt64Value,
} from "@dockershim/cri-types";

// Messages are written out instead of made with create(): there are thirty in each container's
// figures, and a kubelet asks for all containers every ten seconds.

export function uint64(value: bigint): UInt64Value {
  return { $typeName: "runtime.v1.UInt64Value", value };
}

export function toCpuUsage(
  cpu: CgroupCpu,
  nanoCores: bigint | undefined,
  pressure: Pressure | undefined,
): CpuUsage {
  const usage: CpuUsage = {
    $typeName: "runtime.v1.CpuUsage",
    timestamp: cpu.timestampNs,
    usageCoreNanoSeconds: uint64(cpu.usageNs),
  };
  if (nanoCores !== undefined) usage.usageNanoCores = uint64(nanoCores);
  if (pressure !== undefined) usage.psi = toPsiStats(pressure);
  return usage;
}

export function toMemoryUsage(
  timestamp: bigint,
  memory: CgroupMemory,
  pressure: Pressure | undefined,
): MemoryUsage {
  const usage: MemoryUsage = {
    $typeName: "runtime.v1.MemoryUsage",
    timestamp,
    workingSetBytes: uint64(memory.workingSetBytes),
    usageBytes: uint64(memory.usageBytes),
    rssBytes: uint64(memory.rssBytes ?? 0n),
    pageFaults: uint64(memory.pageFaults ?? 0n),
    majorPageFaults: uint64(memory.majorPageFaults ?? 0n),
  };
  if (memory.availableBytes !== undefined) usage.availableBytes = uint64(memory.availableBytes);
  if (pressure !== undefined) usage.psi = toPsiStats(pressure);
  return usage;
}

export function toSwapUsage(timestamp: bigint, swap: CgroupSwap): SwapUsage {
  const usage: SwapUsage = {
    $typeName: "runtime.v1.SwapUsage",
    timestamp,
    swapUsageBytes: uint64(swap.usageBytes),
  };
  if (swap.availableBytes !== undefined) usage.swapAvailableBytes = uint64(swap.availableBytes);
  return usage;
}

export function toIoUsage(timestamp: bigint, pressure: Pressure): IoUsage {
  return { $typeName: "runtime.v1.IoUsage", timestamp, psi: toPsiStats(pressure) };
}

/** Both halves are always there, for the kubelet reads them without a look. */
function toPsiStats({ some, full }: Pressure): PsiStats {
  return { $typeName: "runtime.v1.PsiStats", Some: toPsiData(some), Full: toPsiData(full) };
}

function toPsiData(data: PressureData | undefined): PsiData {
  return {
    $typeName: "runtime.v1.PsiData",
    Total: data?.totalNs ?? 0n,
    Avg10: data?.avg10 ?? 0,
    Avg60: data?.avg60 ?? 0,
    Avg300: data?.avg300 ?? 0,
  };
}

/**
 * CRI's figures of a pod's network.
 *
 * @returns undefined without a default interface: the kubelet reads that without a look.
 */
export function toNetworkUsage(network: CgroupNetwork): NetworkUsage | undefined {
  if (network.defaultInterface === undefined) return undefined;
  return {
    $typeName: "runtime.v1.NetworkUsage",
    timestamp: network.timestampNs,
    defaultInterface: toInterfaceUsage(network.defaultInterface),
    interfaces: network.interfaces.map(toInterfaceUsage),
  };
}

function toInterfaceUsage(usage: InterfaceUsage): NetworkInterfaceUsage {
  return {
    $typeName: "runtime.v1.NetworkInterfaceUsage",
    name: usage.name,
    rxBytes: uint64(usage.rxBytes),
    rxErrors: uint64(usage.rxErrors),
    txBytes: uint64(usage.txBytes),
    txErrors: uint64(usage.txErrors),
  };
}
