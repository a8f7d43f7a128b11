/**
 * Measures the copier alone, without an engine: `node bench/copying.ts [MB]`, after a build.
 *
 * Docker's files are made beforehand, so these are the bounds of one thread on this machine.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCopyBuffers } from "../dist/entry-conversion.js";
import { createLogCopy, type LogCopy } from "../dist/log-copy.js";
import { createLogPositionFile } from "../dist/log-position.js";
import { localLog } from "../test/local-log-file.ts";

const megabytes = Number(process.argv[2] ?? 256);
const rounds = 5;
const reopens = 2_000;
const root = mkdtempSync(join(tmpdir(), "copying-"));

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

function measure(work: () => void): Cost {
  const cpu = process.cpuUsage();
  const from = performance.now();
  work();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - from) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function median(costs: readonly Cost[], of: (cost: Cost) => number): number {
  return costs.map(of).sort((a, b) => a - b)[Math.floor(costs.length / 2)] ?? Number.NaN;
}

/** A container with so many bytes of output in Docker's file. */
function container(name: string, lineBytes: number, bytes: number): LogCopy {
  const source = join(root, `${name}.docker`);
  const message = { stream: "stdout", line: Buffer.alloc(lineBytes, "x") } as const;
  const block = Buffer.concat(
    Array.from({ length: Math.ceil(1_000_000 / lineBytes) }, (_, index) =>
      localLog([{ ...message, time: 1_795_000_000_000_000_000n + BigInt(index) * 1_000n }]),
    ),
  );
  writeFileSync(source, "");
  for (let written = 0; written < bytes; written += block.length) {
    writeFileSync(source, block, { flag: "a" });
  }
  return createLogCopy(
    {
      source,
      target: { directory: join(root, name), file: "main/0.log" },
      tty: false,
      positions: createLogPositionFile(join(root, `${name}.position`)),
      onProblem: (problem) => console.warn(problem),
    },
    createCopyBuffers(),
  );
}

try {
  for (const lineBytes of [100, 16_384]) {
    const costs = Array.from({ length: rounds }, (_, round) => {
      const name = `${lineBytes}-${round}`;
      const copy = container(name, lineBytes, megabytes * 1e6);
      const cost = measure(() => {
        while (copy.step() > 0);
      });
      copy.rest();
      rmSync(join(root, name), { recursive: true });
      rmSync(join(root, `${name}.docker`));
      return cost;
    });
    const speed = megabytes / median(costs, ({ seconds }) => seconds);
    const cpuSpeed = megabytes / median(costs, ({ cpuSeconds }) => cpuSeconds);
    console.log(
      `${lineBytes}-byte lines: ${speed.toFixed(0)} MB/s, ${cpuSpeed.toFixed(0)} MB for a second of CPU`,
    );
  }
  const copy = container("reopened", 100, 1);
  mkdirSync(join(root, "reopened", "main"), { recursive: true });
  const log = join(root, "reopened", "main", "0.log");
  copy.open();
  const { seconds, cpuSeconds } = measure(() => {
    for (let turn = 0; turn < reopens; turn++) {
      renameSync(log, `${log}.1`);
      copy.reopen();
    }
  });
  const each = (all: number): string => ((all * 1e6) / reopens).toFixed(0);
  console.log(`reopen: ${each(seconds)} µs, ${each(cpuSeconds)} µs of CPU`);
  copy.rest();
} finally {
  rmSync(root, { recursive: true });
}
