import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { ShimError } from "../shim-error.js";

/** flock(1) ends with this code when somebody else has the lock; it is told to. */
const heldExitCode = 75;

/** How long who was killed a moment ago may take to let go: its files stay open until its last thread has ended. */
const patienceSeconds = 5;

/**
 * Takes the root directory for this process alone: two daemons over one would write every log
 * line twice.
 *
 * The lock is flock(2)'s on the file `lock`. It belongs to the open file, which flock(1) of
 * util-linux is handed for a moment, so that it goes with this process however that ends. The
 * file's text tells who holds it.
 *
 * @param waitSeconds How long it is waited for.
 * @returns How to give it back.
 * @throws ShimError `failed_precondition` with the holder when another daemon has it and keeps it.
 */
export function lockRootDir(
  rootDir: string,
  listen: string,
  log: Pick<Logger, "warn">,
  waitSeconds: number = patienceSeconds,
): () => void {
  const path = join(rootDir, "lock");
  const fd = openSync(path, "a+", 0o600);
  const { status, error } = spawnSync(
    "flock",
    ["--exclusive", `--timeout=${waitSeconds}`, `--conflict-exit-code=${heldExitCode}`, "3"],
    { stdio: ["ignore", "ignore", "ignore", fd] },
  );
  if (status === heldExitCode) {
    const holder = readFileSync(path, "utf8").trim();
    closeSync(fd);
    throw new ShimError(
      "failed_precondition",
      `root-dir: another daemon uses ${rootDir}${holder === "" ? "" : `: ${holder}`}`,
    );
  }
  if (status !== 0) {
    log.warn(
      { status, error: error?.message },
      "root-dir is not locked, since flock(1) of util-linux could not be run",
    );
  }
  ftruncateSync(fd);
  writeSync(fd, `process ${process.pid}, which serves on ${listen}\n`);
  return () => closeSync(fd);
}
