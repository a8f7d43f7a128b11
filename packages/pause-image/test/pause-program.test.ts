import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, it } from "@jest/globals";
import { until } from "../../testing/src/until.ts";

const committed = fileURLToPath(new URL("../bin", import.meta.url));
const script = fileURLToPath(new URL("../scripts/build-pause.sh", import.meta.url));
const rebuilt = mkdtempSync(join(tmpdir(), "pause-"));

const machines = [
  { architecture: "amd64", node: "x64", emulator: "qemu-x86_64", elfMachine: 62 },
  { architecture: "arm64", node: "arm64", emulator: "qemu-aarch64", elfMachine: 183 },
] as const;

const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});

afterAll(() => {
  rmSync(rebuilt, { recursive: true, force: true });
});

function present(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

/** State of a process as the kernel shows it, such as "S" or "Z"; undefined when it is gone. */
function stateOf(pid: number): string | undefined {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

interface Started {
  readonly child: ChildProcess;
  /** All that the program wrote so far, to either stream. */
  readonly said: Buffer[];
  /** Resolves to exit code and signal. */
  readonly ended: Promise<unknown[]>;
}

/** Starts a launcher that prints the pid of a child of its own and then becomes the pause program by exec. */
async function launch(launcher: readonly string[]): Promise<Started & { orphan: number }> {
  const [file = "", ...args] = launcher;
  const child = spawn(file, args, { stdio: "pipe" });
  running.add(child);
  const ended = once(child, "exit");
  const said: Buffer[] = [];
  const pid = once(child.stdout, "data");
  child.stderr.on("data", (chunk) => said.push(chunk));
  const orphan = Number(String((await pid)[0]));
  child.stdout.on("data", (chunk) => said.push(chunk));
  return { child, said, ended, orphan };
}

/**
 * Starts the program with a child that it did not make itself, as in a shared PID namespace, lets that child
 * end, and waits until it is reaped. A program that reaps no one stays here for ever; one that does has
 * blocked its signals before and is ready for them.
 */
async function startAndReap(command: readonly string[]): Promise<Started> {
  // The child reads the pipe by another number, since a background command's stdin is /dev/null.
  const script = 'exec 3<&0; cat <&3 >/dev/null & echo $!; exec "$@"';
  const started = await launch(["sh", "-c", script, "launcher", ...command]);
  const { child, orphan } = started;
  await until(() => !readFileSync(`/proc/${child.pid}/cmdline`, "utf8").includes("launcher"));
  expect(stateOf(orphan)).not.toBeUndefined();
  child.stdin?.end();
  await until(() => stateOf(orphan) === undefined);
  return started;
}

function behavesLikePause(command: readonly string[]): void {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "reaps an orphan, and ends with status 0 on %s, without a word",
    async (signal) => {
      const { child, said, ended } = await startAndReap(command);
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
      child.kill(signal);
      expect(await ended).toEqual([0, null]);
      expect(said).toEqual([]);
    },
  );

  it("stays through signals that are not meant to end it", async () => {
    const { child, ended } = await startAndReap(command);
    for (let round = 0; round < 20; round++) child.kill("SIGCHLD");
    child.kill("SIGWINCH");
    child.kill("SIGSTOP");
    await until(() => stateOf(child.pid ?? 0) === "T");
    child.kill("SIGCONT");
    await until(() => stateOf(child.pid ?? 0) === "S");
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });

  // Perl leaves zombies alone, which shells don't.
  (present("perl") ? it : it.skip)("reaps children that had ended before it started", async () => {
    const script =
      "$| = 1; my $p = fork; exit 0 unless $p; my $s = ''; " +
      "until ($s =~ /^State:\\s+Z/m) { open my $f, '<', \"/proc/$p/status\"; local $/; $s = <$f>; } " +
      'print "$p\\n"; exec @ARGV;';
    const { child, orphan, ended } = await launch(["perl", "-e", script, ...command]);
    await until(() => stateOf(orphan) === undefined);
    child.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
  });
}

describe.each(machines)("the pause program for $architecture", (machine) => {
  const { architecture, node, emulator, elfMachine } = machine;
  const path = join(committed, `pause-${architecture}`);
  const native = process.arch === node;
  const run = native ? [] : [emulator];

  it("is a static executable for that machine of less than 4 kB", () => {
    const elf = readFileSync(path);
    expect(elf.subarray(0, 6)).toEqual(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]));
    // e_type ET_EXEC, then e_machine.
    expect([elf.readUInt16LE(16), elf.readUInt16LE(18)]).toEqual([2, elfMachine]);
    const headers = Array.from({ length: elf.readUInt16LE(56) }, (_, index) =>
      elf.readUInt32LE(Number(elf.readBigUInt64LE(32)) + index * elf.readUInt16LE(54)),
    );
    // PT_LOAD is there, and neither PT_DYNAMIC nor PT_INTERP.
    expect(headers).toContain(1);
    expect(headers).not.toContain(2);
    expect(headers).not.toContain(3);
    expect(elf.length).toBeLessThan(4096);
  });

  // What this machine cannot run or build is reported as skipped.
  const canRun = native || present(emulator);
  (canRun ? describe : describe.skip)("as committed", () => behavesLikePause([...run, path]));

  const compiler = architecture === "amd64" ? "x86_64-linux-gnu-gcc" : "aarch64-linux-gnu-gcc";
  const build = present(compiler) ? spawnSync("sh", [script, rebuilt]) : undefined;
  const built = join(rebuilt, `pause-${architecture}`);
  const compilerVersion = (folder: string) =>
    readFileSync(join(folder, `pause-${architecture}.gcc-version`), "utf8");

  (build ? describe : describe.skip)("built from source", () => {
    it("builds without a warning", () => {
      expect(build?.status).toBe(0);
      expect(String(build?.stderr)).not.toContain("warning");
      expect(existsSync(built)).toBe(true);
    });

    const sameCompiler =
      build?.status === 0 && compilerVersion(rebuilt) === compilerVersion(committed);
    (sameCompiler ? it : it.skip)("gives the committed bytes with the compiler noted there", () => {
      expect(readFileSync(built).equals(readFileSync(path))).toBe(true);
    });

    if (canRun) behavesLikePause([...run, built]);
  });
});
