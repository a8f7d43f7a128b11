import type { ControllerSource } from "./controller-source.js";
import { lines, parseCount, words } from "./parse.js";

/** Block I/O of a cgroup and all below it on one device. */
export interface IoDeviceUsage {
  readonly major: number;
  readonly minor: number;
  readonly readBytes: bigint;
  readonly writeBytes: bigint;
  readonly discardBytes: bigint;
  /** Read operations. */
  readonly reads: bigint;
  /** Write operations. */
  readonly writes: bigint;
  /** Discard operations. */
  readonly discards: bigint;
}

/** Block I/O by device; empty when the cgroup did none. */
export interface IoUsage {
  readonly devices: readonly IoDeviceUsage[];
}

type Counter = Exclude<keyof IoDeviceUsage, "major" | "minor">;
type Mutable = { -readonly [Key in keyof IoDeviceUsage]: IoDeviceUsage[Key] };

/** From the blkio controller (v1) or io.stat (v2); undefined when neither is there. */
export function readIo(blkio: ControllerSource | undefined): IoUsage | undefined {
  if (blkio === undefined) return undefined;
  return blkio.version === 1 ? readV1(blkio) : readV2(blkio);
}

const v2Counters: ReadonlyMap<string, Counter> = new Map([
  ["rbytes", "readBytes"],
  ["wbytes", "writeBytes"],
  ["dbytes", "discardBytes"],
  ["rios", "reads"],
  ["wios", "writes"],
  ["dios", "discards"],
]);

/** Lines such as `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`; other keys may follow. */
function readV2(io: ControllerSource): IoUsage | undefined {
  const text = io.read("io.stat");
  if (text === undefined) return undefined;
  const devices = createDeviceTable();
  for (const line of lines(text)) {
    const [id, ...pairs] = words(line);
    // A device that did nothing shows as its number alone.
    if (id === undefined || pairs.length === 0) continue;
    for (const pair of pairs) {
      const [key = "", value] = pair.split("=");
      const counter = v2Counters.get(key);
      if (counter !== undefined) devices.add(id, counter, parseCount(value));
    }
  }
  return { devices: devices.list() };
}

const v1Operations: ReadonlyMap<string, readonly [bytes: Counter, operations: Counter]> = new Map([
  ["Read", ["readBytes", "reads"]],
  ["Write", ["writeBytes", "writes"]],
  ["Discard", ["discardBytes", "discards"]],
]);

/**
 * The throttling layer counts under every I/O scheduler; the files without "throttle" are those
 * of the CFQ scheduler before Linux 5.0. The recursive ones include the cgroups below.
 */
const v1Sources = ["blkio.throttle.", "blkio."] as const;

function readV1(blkio: ControllerSource): IoUsage | undefined {
  for (const prefix of v1Sources) {
    const bytes = readRecursive(blkio, `${prefix}io_service_bytes`);
    const operations = readRecursive(blkio, `${prefix}io_serviced`);
    if (bytes === undefined || operations === undefined) continue;
    const devices = createDeviceTable();
    addV1Lines(devices, bytes, 0);
    addV1Lines(devices, operations, 1);
    return { devices: devices.list() };
  }
  return undefined;
}

function readRecursive(blkio: ControllerSource, file: string): string | undefined {
  return blkio.read(`${file}_recursive`) ?? blkio.read(file);
}

/** Lines such as `8:0 Read 4096`, and a last one `Total 4096`. */
function addV1Lines(devices: DeviceTable, text: string, which: 0 | 1): void {
  for (const line of lines(text)) {
    const [id, operation, value] = words(line);
    const counters = v1Operations.get(operation ?? "");
    if (id !== undefined && counters !== undefined) {
      devices.add(id, counters[which], parseCount(value));
    }
  }
}

interface DeviceTable {
  add(id: string, counter: Counter, value: bigint | undefined): void;
  list(): IoDeviceUsage[];
}

function createDeviceTable(): DeviceTable {
  const devices = new Map<string, Mutable>();
  return {
    add(id, counter, value) {
      const [, major, minor] = /^(\d+):(\d+)$/.exec(id) ?? [];
      if (major === undefined || minor === undefined || value === undefined) return;
      let device = devices.get(id);
      if (device === undefined) {
        device = {
          major: Number(major),
          minor: Number(minor),
          readBytes: 0n,
          writeBytes: 0n,
          discardBytes: 0n,
          reads: 0n,
          writes: 0n,
          discards: 0n,
        };
        devices.set(id, device);
      }
      device[counter] += value;
    },
    list: () => [...devices.values()],
  };
}
