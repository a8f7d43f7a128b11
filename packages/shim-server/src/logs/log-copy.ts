import { createReadStream, createWriteStream, fstatSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { openLogForReading } from "@dockershim/container-logs";
import type { ContainerRecord } from "../state/records.js";
import { logPathOfRecord } from "./log-path.js";

/**
 * Copies a container's log as far as it has got, into a new file with mode 0600. Does nothing where there
 * is none in CRI's format.
 */
export async function copyCriLog(record: ContainerRecord, target: string): Promise<void> {
  const path = logPathOfRecord(record);
  const fd = path && openLogForReading(path);
  if (fd === undefined) return;
  // It may grow without an end.
  const { size } = fstatSync(fd);
  const source = createReadStream("", { fd, start: 0, end: Math.max(0, size - 1) });
  await pipeline(source, createWriteStream(target, { flags: "wx", mode: 0o600 }));
}
