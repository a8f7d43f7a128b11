import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { createLogScheduler, type LogScheduler } from "../src/log-scheduler.js";
import type { LogCopyJob } from "../src/log-thread-protocol.js";
import { localLog } from "./local-log-file.js";

let dir: string;
let scheduler: LogScheduler;
/** What was reported, and who fell behind and caught up, in order. */
let told: string[];

beforeEach(() => {
  // The scheduler's own clock: its ticks come when a test has them come.
  jest.useFakeTimers({
    doNotFake: [
      "setTimeout",
      "clearTimeout",
      "setImmediate",
      "clearImmediate",
      "nextTick",
      "queueMicrotask",
      "performance",
    ],
  });
  dir = mkdtempSync(join(tmpdir(), "scheduler-"));
  scheduler = newScheduler();
});
afterEach(() => {
  scheduler.close();
  jest.useRealTimers();
  rmSync(dir, { recursive: true });
});

function newScheduler(): LogScheduler {
  told = [];
  return createLogScheduler(
    (level, container, message) => told.push(`${level} ${container}: ${message}`),
    {
      behind: (id) => void (told.includes(`${id} behind`) || told.push(`${id} behind`)),
      caughtUp: (id) => void (told.includes(`${id} caught up`) || told.push(`${id} caught up`)),
    },
  );
}

/** A container with Docker's file, empty as yet. */
function container(id: string): LogCopyJob {
  const source = join(dir, "docker", id, "container.log");
  mkdirSync(dirname(source), { recursive: true });
  writeFileSync(source, "");
  const target = { directory: join(dir, "pod"), file: `${id}.log` };
  return { id, source, target, tty: false, position: join(dir, `${id}.position`) };
}

const entry = (text: string): Buffer =>
  localLog([{ stream: "stdout", time: 1_795_000_000n, line: Buffer.from(text) }]);
const write = ({ source }: LogCopyJob, text: string): void => appendFileSync(source, entry(text));
const pathOf = ({ target }: LogCopyJob): string => join(target.directory, target.file);
function linesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  return Array.from(
    readFileSync(path, "utf8").matchAll(/Z stdout F (.*)\n/g),
    ([, text]) => `${text}`,
  );
}
const copied = (job: LogCopyJob): string[] => linesOf(pathOf(job));
const seconds = (count: number): void => jest.advanceTimersByTime(count * 1_000);

/** How many descriptors are open on files of this test. */
function openFiles(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
    } catch {
      return false;
    }
  }).length;
}

test("copies what is there when it follows, and what comes later", async () => {
  const job = container("a");
  write(job, "one");
  scheduler.follow(job);
  expect(existsSync(pathOf(job))).toBe(true);
  await until(() => copied(job).length === 1);
  write(job, "two");
  await until(() => copied(job).length === 2);
  expect(copied(job)).toEqual(["one", "two"]);
});

test("copies take turns, so that one that writes much holds up no other", async () => {
  const [loud, quiet] = [container("loud"), container("quiet")];
  writeFileSync(loud.source, Buffer.concat(Array(4_000).fill(entry("x".repeat(1_000)))));
  write(quiet, "hello");
  scheduler.follow(loud);
  scheduler.follow(quiet);
  await until(() => copied(loud).length === 4_000);
  await until(() => told.includes("loud caught up"));
  expect(told).toEqual(["loud behind", "quiet caught up", "loud caught up"]);
  expect(copied(quiet)).toEqual(["hello"]);
});

describe("a container that has ended", () => {
  test("is settled when all was copied, and is not watched any more", async () => {
    const job = container("a");
    scheduler.follow(job);
    write(job, "one");
    await scheduler.settle(job);
    expect(copied(job)).toEqual(["one"]);
    expect(openFiles()).toBe(0);
    expect(existsSync(job.position)).toBe(true);
  });

  test("is settled although its last message is cut off, as a killed engine leaves it", async () => {
    const job = container("a");
    scheduler.follow(job);
    write(job, "one");
    appendFileSync(job.source, entry("cut").subarray(0, 20));
    await scheduler.settle(job);
    expect(copied(job)).toEqual(["one"]);
  });

  test("costs nothing when it was settled before", async () => {
    const job = container("a");
    write(job, "one");
    await scheduler.settle(job);
    rmSync(pathOf(job));
    await scheduler.settle(job);
    expect(existsSync(pathOf(job))).toBe(false);
  });

  test("is followed again when it was started again meanwhile", async () => {
    const job = container("a");
    write(job, "one");
    scheduler.follow(job);
    void scheduler.settle(job);
    scheduler.follow(job);
    await until(() => copied(job).length === 1);
    write(job, "two");
    await until(() => copied(job).length === 2);
  });
});

describe("a log that takes nothing", () => {
  /** Something that is no folder where the pod's would be. */
  const inTheWay = (): string => join(dir, "pod");

  test("is told once, tried again each second, and told when it goes on", async () => {
    const job = container("a");
    scheduler.follow(job);
    await until(() => told.includes("a caught up"));
    rmSync(inTheWay(), { recursive: true });
    writeFileSync(inTheWay(), "");
    // That its file is gone is looked for now and then.
    seconds(2);
    write(job, "one");
    await until(() => told.includes("a behind"));
    for (let count = 0; count < 3; count++) {
      seconds(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(told).toEqual(["a caught up", expect.stringMatching(/^warn a: /), "a behind"]);
    rmSync(inTheWay());
    seconds(1);
    await until(() => copied(job).length === 1);
    expect(told.at(-1)).toBe("info a: the log is written again");
  });

  test("keeps nobody waiting for longer than two seconds, and is complete later all the same", async () => {
    const job = container("a");
    write(job, "one");
    writeFileSync(inTheWay(), "");
    const settling = scheduler.settle(job);
    let given = false;
    const outcome = settling.catch((err: Error) => {
      given = true;
      return err;
    });
    await until(() => told.includes("a behind"));
    seconds(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toBe(false);
    seconds(1);
    expect(await outcome).toBeInstanceOf(Error);
    rmSync(inTheWay());
    seconds(1);
    await until(() => copied(job).length === 1);
  });

  test("holds up no other", async () => {
    const [stuck, free] = [container("stuck"), container("free")];
    write(stuck, "one");
    mkdirSync(pathOf(stuck), { recursive: true });
    expect(() => scheduler.follow(stuck)).toThrow();
    scheduler.follow(free);
    write(free, "two");
    await until(() => copied(free).length === 1);
  });
});

test("a quiet container's files are closed after five seconds, and opened for its next line", async () => {
  const job = container("a");
  scheduler.follow(job);
  write(job, "one");
  await until(() => copied(job).length === 1);
  await until(() => told.includes("a caught up"));
  expect(openFiles()).toBeGreaterThan(0);
  await until(() => {
    seconds(6);
    return openFiles() === 0;
  });
  write(job, "two");
  await until(() => copied(job).length === 2);
});

test("a line that the kernel does not tell of is found in ten seconds, and in a minute of a quiet container", async () => {
  const job = container("a");
  // A folder's watch tells nothing of what is written by a name in another.
  const elsewhere = { ...job, source: join(dir, "elsewhere") };
  linkSync(job.source, elsewhere.source);
  scheduler.follow(job);
  write(job, "one");
  await until(() => copied(job).length === 1);
  await until(() => told.includes("a caught up"));
  write(elsewhere, "two");
  seconds(10);
  await until(() => copied(job).length === 2);
  seconds(61);
  write(elsewhere, "three");
  seconds(60);
  await until(() => copied(job).length === 3);
});

test("a container's folder that Docker makes later is watched within a second", async () => {
  const job = container("a");
  rmSync(dirname(job.source), { recursive: true });
  scheduler.follow(job);
  await until(() => told.includes("a caught up"));
  mkdirSync(dirname(job.source));
  seconds(1);
  // It is watched now.
  write(job, "one");
  await until(() => copied(job).length === 1);
});

test("after a rotation lines go to the new file", async () => {
  const job = container("a");
  scheduler.follow(job);
  write(job, "one");
  await until(() => copied(job).length === 1);
  const old = `${pathOf(job)}.1`;
  renameSync(pathOf(job), old);
  scheduler.reopen(job);
  expect(existsSync(pathOf(job))).toBe(true);
  write(job, "two");
  await until(() => copied(job).length === 1);
  expect([...linesOf(old), ...copied(job)]).toEqual(["one", "two"]);
});

test("a removed container's last words are copied, also of files that Docker has removed", async () => {
  const job = container("a");
  scheduler.follow(job);
  write(job, "one");
  await until(() => copied(job).length === 1);
  write(job, "two");
  rmSync(dirname(job.source), { recursive: true });
  scheduler.remove(job.id, job.position);
  expect(copied(job)).toEqual(["one", "two"]);
  expect(existsSync(job.position)).toBe(false);
  expect(openFiles()).toBe(0);
});

test("the next scheduler goes on where one was closed", async () => {
  const jobs = ["a", "b", "c"].map(container);
  for (const job of jobs) {
    scheduler.follow(job);
    write(job, "one");
  }
  await until(() => jobs.every((job) => copied(job).length === 1));
  scheduler.close();
  expect(openFiles()).toBe(0);
  for (const job of jobs) write(job, "two");
  scheduler = newScheduler();
  jobs.forEach(scheduler.follow);
  await until(() => jobs.every((job) => copied(job).length === 2));
  for (const job of jobs) expect(copied(job)).toEqual(["one", "two"]);
});
