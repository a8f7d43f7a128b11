import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { aptGet } from "../apt.ts";
import { cacheFolder } from "../cache.ts";
import { unpackBusybox } from "../rootfs.ts";

let folder: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync("/var/tmp/dslab-fetch-");
  children = [];
  jest.spyOn(console, "error").mockReturnValue();
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a program whose output is read line by line. */
function start(program: string, args: readonly string[], stream: "stdout" | "stderr") {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const lines = createInterface({ input: child[stream] });
  return { child, lines, ended: once(child, "close") as Promise<[number | null, string | null]> };
}

const fillerProgram = [process.execPath, join(import.meta.dirname, "cache-filler.ts")] as const;

const filler = (...args: string[]) =>
  start(fillerProgram[0], [fillerProgram[1], ...args], "stderr");

/** One that sees other processes and another network than the others, as a lab in a container does. */
const isolatedFiller = (...args: string[]) => {
  const namespaces = ["--net", "--pid", "--fork", "--mount-proc", "--kill-child"];
  return start("unshare", [...namespaces, ...fillerProgram, ...args], "stderr");
};

/** Waits until a condition holds, for as long as the test may take. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(10);
}

/** The next time that we say something to the person who waits. */
function said(pattern: RegExp): Promise<string> {
  return new Promise((resolve) => {
    jest.spyOn(console, "error").mockImplementation((line) => {
      if (pattern.test(String(line))) resolve(String(line));
    });
  });
}

describe("a folder of the cache", () => {
  it("is made anew after a killed run, once what that run had started has ended", async () => {
    const target = join(folder, "thing");
    const fifos = ["first", "second"].map((name) => join(folder, name));
    const [first = "", second = ""] = fifos;
    spawnSync("mkfifo", fifos);
    const killed = filler(target, first);
    await until(() => existsSync(`${target}.part/file`));
    killed.child.kill("SIGKILL");
    await killed.ended;
    const next = filler(target, second);
    expect(String(await once(next.lines, "line"))).toContain("waiting for another run: filling");
    // The orphan comes to its end in its own folder, which nobody has taken from under it.
    await appendFile(first, "go\n");
    expect(String(await once(next.lines, "line"))).toBe("lab: filling");
    expect(existsSync(target)).toBe(false);
    await appendFile(second, "go\n");
    expect(await next.ended).toEqual([0, null]);
    expect(readFileSync(join(target, "file"), "utf8")).toBe("half\nrest\n");
    expect(readdirSync(folder).sort()).toEqual([".locks", "first", "second", "thing"]);
  });

  it("is made once by runs that come at the same moment, in whatever namespaces", async () => {
    const target = join(folder, "thing");
    const fifo = join(folder, "fifo");
    spawnSync("mkfifo", [fifo]);
    const runs = [filler, filler, isolatedFiller].map((run) => run(target, fifo));
    const lines: string[] = [];
    for (const run of runs) run.lines.on("line", (line) => lines.push(line));
    await Promise.all(runs.map((run) => once(run.lines, "line")));
    expect(lines.sort()).toEqual([
      "lab: filling",
      "lab: waiting for another run: filling",
      "lab: waiting for another run: filling",
    ]);
    await appendFile(fifo, "go\n");
    for (const { ended } of runs) expect(await ended).toEqual([0, null]);
    expect(readFileSync(join(target, "file"), "utf8")).toBe("half\nrest\n");
  });

  it("is not there when filling it failed or was aborted, and nothing of it is left", async () => {
    const target = join(folder, "thing");
    const options = { what: "filling", signal: AbortSignal.abort(new Error("enough")) };
    const fail = () => Promise.reject(new Error("no network"));
    await expect(cacheFolder(target, { what: "filling" }, fail)).rejects.toThrow("no network");
    await expect(
      cacheFolder(target, options, async ({ signal }) => signal?.throwIfAborted()),
    ).rejects.toThrow("enough");
    expect(readdirSync(folder)).toEqual([".locks"]);
  });
});

describe("a download of Debian packages", () => {
  it("that was killed in the middle is done again from the start", async () => {
    const cache = join(folder, "cache");
    mkdirSync(cache);
    const module = JSON.stringify(join(import.meta.dirname, "../rootfs.ts"));
    const script = `const { unpackBusybox } = await import(${module}); await unpackBusybox(${JSON.stringify(cache)});`;
    const killed = start(process.execPath, ["--input-type=module", "--eval", script], "stderr");
    const lists = join(cache, "busybox.part/.fetch/apt/lists/partial");
    await until(() => existsSync(lists) && readdirSync(lists).length > 0);
    killed.child.kill("SIGKILL");
    await killed.ended;
    expect(readdirSync(cache).sort()).toEqual([".locks", "busybox.part"]);
    const unpacked = await unpackBusybox(cache);
    const busybox = ["bin/busybox", "usr/bin/busybox"].find((path) =>
      existsSync(join(unpacked, path)),
    );
    expect(spawnSync(join(unpacked, busybox ?? ""), ["echo", "whole"]).stdout.toString()).toBe(
      "whole\n",
    );
    expect(readdirSync(cache).sort()).toEqual([".locks", "busybox"]);
  });
});

describe("apt-get", () => {
  let env: Record<string, string>;

  beforeEach(() => {
    for (const part of ["lists/partial", "cache/archives/partial", "dpkg/updates"]) {
      mkdirSync(join(folder, part), { recursive: true });
    }
    writeFileSync(join(folder, "dpkg/status"), "");
    const settings = {
      "Dir::Etc::SourceList": "/dev/null",
      "Dir::Etc::SourceParts": "/dev/null",
      "Dir::State::Lists": join(folder, "lists"),
      "Dir::State::Status": join(folder, "dpkg/status"),
      "Dir::Cache": join(folder, "cache"),
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
    writeFileSync(join(folder, "apt.conf"), lines.join(""));
    env = { APT_CONFIG: join(folder, "apt.conf"), DPKG_ADMINDIR: join(folder, "dpkg") };
  });

  /** Holds a lock as apt does, by fcntl(2), which Node has not. */
  async function hold(file: string): Promise<ChildProcess> {
    const script = [
      'use Fcntl; $| = 1; open(my $file, ">", $ARGV[0]) or die;',
      'my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);',
      'fcntl($file, F_SETLK, $lock) or die "no lock: $!"; print "held\\n"; sleep 1000;',
    ].join(" ");
    const { child, lines } = start("perl", ["-e", script, join(folder, file)], "stdout");
    await once(lines, "line");
    return child;
  }

  it.each([
    ["package lists", "lists/lock", ["update"]],
    // Apt's own waiting is cut short, so that ours is seen.
    ["packages", "dpkg/lock-frontend", ["-o", "DPkg::Lock::Timeout=0", "install"]],
  ])("waits for whoever holds the lock of the %s", async (_, file, args) => {
    const holder = await hold(file);
    const waiting = said(/waiting for another apt: .*held by process/s);
    let ended = false;
    const run = aptGet(args, { env }).finally(() => {
      ended = true;
    });
    await waiting;
    expect(ended).toBe(false);
    holder.kill("SIGKILL");
    await run;
  });

  it("ends an installation that was cut off before it begins another", async () => {
    const fields = [
      "Package: cut-off",
      "Status: install ok half-configured",
      "Version: 1",
      "Architecture: all",
      "Maintainer: nobody <nobody@test.invalid>",
      "Description: none",
    ];
    writeFileSync(join(folder, "dpkg/updates/0000"), `${fields.join("\n")}\n`);
    const finishing = said(/dpkg --configure -a/);
    await aptGet(["install"], { env });
    await finishing;
    expect(readFileSync(join(folder, "dpkg/status"), "utf8")).toContain("install ok installed");
  });

  it("fails with apt's own words when no lock is to blame", async () => {
    await expect(aptGet(["download", "no-such-package"], { env, cwd: folder })).rejects.toThrow(
      /apt-get download no-such-package failed: .*Unable to locate package no-such-package/s,
    );
  });
});
