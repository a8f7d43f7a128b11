import type { Clock } from "./clock.js";
import { readKernelFile, readShortRecords } from "./kernel-file.js";
import { lines, parseCount, words } from "./parse.js";

/** Counters of one network interface: CRI `NetworkInterfaceUsage` and the network metrics. */
export interface InterfaceUsage {
  readonly name: string;
  readonly rxBytes: bigint;
  readonly rxPackets: bigint;
  readonly rxErrors: bigint;
  readonly rxDropped: bigint;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
  readonly txErrors: bigint;
  readonly txDropped: bigint;
}

/** Counters of a network namespace: CRI `NetworkUsage`. */
export interface NetworkUsage {
  /** Nanoseconds since the epoch. */
  readonly timestampNs: bigint;
  /** undefined only when the namespace has nothing but its loopback interface. */
  readonly defaultInterface: InterfaceUsage | undefined;
  /** All interfaces but the default one and loopback. */
  readonly interfaces: readonly InterfaceUsage[];
}

/** What is known of a sandbox's network beforehand. */
export interface NetworkOptions {
  /**
   * The interface that the CNI plugins were told to make. When it is there it is the default
   * one, and the routing tables need not be read.
   */
  readonly defaultInterface?: string;
}

/**
 * Counters of the network namespace that a process is in, through /proc/<pid>/net/dev, which
 * needs neither entering the namespace nor a helper process.
 *
 * The default interface is the one asked for, else that of the default route with the least
 * metric (IPv4 before IPv6), else `eth0`, else the first one.
 *
 * @returns undefined when the process is gone.
 */
export function readNetwork(
  procRoot: string,
  pid: number,
  options: NetworkOptions,
  clock: Clock,
): NetworkUsage | undefined {
  const directory = `${procRoot}/${pid}/net`;
  const timestampNs = clock.wallNs();
  const text = readShortRecords(`${directory}/dev`);
  if (text === undefined) return undefined;
  const all = parseNetDev(text).filter(({ name }) => name !== "lo");
  const named = (name: string | undefined) => all.find((one) => one.name === name);
  const defaultInterface =
    named(options.defaultInterface) ??
    (all.length > 1 ? named(defaultRouteInterface(directory)) : undefined) ??
    named("eth0") ??
    all[0];
  return {
    timestampNs,
    defaultInterface,
    interfaces: all.filter((one) => one !== defaultInterface),
  };
}

/** Parses /proc/<pid>/net/dev: two lines of heading, then sixteen counters per interface. */
export function parseNetDev(text: string): InterfaceUsage[] {
  const interfaces: InterfaceUsage[] = [];
  for (const line of lines(text)) {
    // An alias has a colon in its name, a counter has none.
    const colon = line.lastIndexOf(":");
    if (colon === -1) continue;
    const counters = words(line.slice(colon + 1)).map(parseCount);
    const [rxBytes, rxPackets, rxErrors, rxDropped] = counters;
    const [txBytes, txPackets, txErrors, txDropped] = counters.slice(8);
    if (
      rxBytes === undefined ||
      rxPackets === undefined ||
      rxErrors === undefined ||
      rxDropped === undefined ||
      txBytes === undefined ||
      txPackets === undefined ||
      txErrors === undefined ||
      txDropped === undefined
    ) {
      continue;
    }
    interfaces.push({
      name: line.slice(0, colon).trim(),
      rxBytes,
      rxPackets,
      rxErrors,
      rxDropped,
      txBytes,
      txPackets,
      txErrors,
      txDropped,
    });
  }
  return interfaces;
}

function defaultRouteInterface(directory: string): string | undefined {
  return (
    defaultRouteV4(readKernelFile(`${directory}/route`) ?? "") ??
    defaultRouteV6(readKernelFile(`${directory}/ipv6_route`) ?? "")
  );
}

/** Columns: Iface Destination Gateway Flags RefCnt Use Metric Mask …, addresses in hexadecimal. */
function defaultRouteV4(text: string): string | undefined {
  let best: { name: string; metric: number } | undefined;
  for (const line of lines(text)) {
    const [name, destination, , , , , metric, mask] = words(line);
    if (name === undefined || destination !== "00000000" || mask !== "00000000") continue;
    const cost = Number(metric);
    if (best === undefined || cost < best.metric) best = { name, metric: cost };
  }
  return best?.name;
}

const zeroAddress = "0".repeat(32);

/** Columns: destination, prefix length, source, its length, next hop, metric, …, interface. */
function defaultRouteV6(text: string): string | undefined {
  let best: { name: string; metric: number } | undefined;
  for (const line of lines(text)) {
    const [destination, length, , , , metric, , , , name] = words(line);
    // The kernel's own "unreachable" default is on lo.
    if (name === undefined || name === "lo") continue;
    if (destination !== zeroAddress || length !== "00") continue;
    const cost = Number.parseInt(metric ?? "", 16);
    if (best === undefined || cost < best.metric) best = { name, metric: cost };
  }
  return best?.name;
}
