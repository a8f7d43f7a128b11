import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** The files that a container's log is in, the oldest first. */
function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  // Rotated ones carry their time, so that they sort by it, and come before the one that is written.
  return readdirSync(folder)
    .filter((file) => /^\d+\.log/.test(file) && !file.endsWith(".tmp"))
    .sort((a, b) => Number(a.endsWith(".log")) - Number(b.endsWith(".log")) || (a < b ? -1 : 1))
    .map((file) => join(folder, file));
}

/** How many files the container's log is in. */
export function logFileCount(folder: string): number {
  return filesOf(folder).length;
}

/** What a container wrote, of all files that its log was rotated into; `folder` is the container's. */
export function rotatedLines(folder: string): string[] {
  for (;;) {
    try {
      return filesOf(folder).flatMap(linesOf);
    } catch (error) {
      // The kubelet has rotated or compressed one since they were listed: its lines are in another now.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function linesOf(file: string): string[] {
  const bytes = readFileSync(file);
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  // Time, stream and tag come before what was written.
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" ").slice(3).join(" "));
}
