import { lines, parseCount } from "./parse.js";

/** How long tasks waited: CRI `PsiData`. */
export interface PressureData {
  /** Percentage of the last 10 s. */
  readonly avg10: number;
  /** Percentage of the last 60 s. */
  readonly avg60: number;
  /** Percentage of the last 300 s. */
  readonly avg300: number;
  /** All waiting so far, nanoseconds. */
  readonly totalNs: bigint;
}

/** Pressure on one resource: CRI `PsiStats`. */
export interface Pressure {
  /** At least one task waited. */
  readonly some: PressureData;
  /** All tasks waited at once. For the processors only since Linux 5.13. */
  readonly full: PressureData | undefined;
}

/** Pressure on the three resources; each undefined where the kernel does not measure it. */
export interface PressureStats {
  readonly cpu: Pressure | undefined;
  readonly memory: Pressure | undefined;
  readonly io: Pressure | undefined;
}

/**
 * Pressure of a cgroup. PSI exists on cgroup v2 only; on a hybrid machine it is read from the v2
 * hierarchy when the cgroup has a directory of its own there.
 */
export function readPressure(
  read: (file: string) => string | undefined,
): PressureStats | undefined {
  const cpu = parsePressure(read("cpu.pressure"));
  // Linux measures all three or none: without the first, two fruitless opens are saved.
  if (cpu === undefined) return undefined;
  return {
    cpu,
    memory: parsePressure(read("memory.pressure")),
    io: parsePressure(read("io.pressure")),
  };
}

/** Parses a pressure file, of a cgroup or of /proc/pressure. */
export function parsePressure(text: string | undefined): Pressure | undefined {
  if (text === undefined) return undefined;
  let some: PressureData | undefined;
  let full: PressureData | undefined;
  for (const line of lines(text)) {
    if (line.startsWith("some ")) some = parseLine(line);
    else if (line.startsWith("full ")) full = parseLine(line);
  }
  return some === undefined ? undefined : { some, full };
}

function parseLine(line: string): PressureData | undefined {
  const match = /avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)/.exec(line);
  const [, avg10, avg60, avg300, total] = match ?? [];
  const totalUs = parseCount(total);
  if (totalUs === undefined) return undefined;
  return {
    avg10: Number(avg10),
    avg60: Number(avg60),
    avg300: Number(avg300),
    totalNs: totalUs * 1000n,
  };
}
