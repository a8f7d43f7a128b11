import { chmod, copyFile, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createPluginExec } from "../src/launcher-exec.js";
import type { CniLog } from "../src/log.js";
import type { PluginExec } from "../src/plugin-exec.js";
import { createSpawnExec } from "../src/spawn-exec.js";

let dir: string;
let execs: PluginExec[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cni-exec-"));
  execs = [];
});

afterEach(async () => {
  for (const exec of execs) exec.close();
  await rm(dir, { recursive: true, force: true });
});

async function install(text: string, name = "plugin"): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
}

/** Resolves to the text of a file once its line is complete. */
async function written(path: string): Promise<string> {
  let text = "";
  await until(async () => {
    text = await readFile(path, "utf8").catch(() => "");
    return text.endsWith("\n");
  });
  return text;
}

/** A process that waits for its parent to take note of its end counts as ended. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat !== undefined && !/\) Z /.test(stat);
}

describe.each([
  ["through a shell", createPluginExec],
  ["directly", createSpawnExec],
] as const)("a plugin run %s", (_, create) => {
  const createExec = (log: CniLog = () => {}) => {
    const exec = create(log);
    execs.push(exec);
    return exec;
  };

  const run = (
    path: string,
    options: {
      exec?: PluginExec;
      stdin?: string;
      variables?: Record<string, string>;
      signal?: AbortSignal;
    } = {},
  ) =>
    (options.exec ?? createExec()).run({
      path,
      env: { PATH: process.env.PATH ?? "", INHERITED: "yes" },
      variables: options.variables ?? {},
      stdin: options.stdin ?? "{}",
      signal: options.signal ?? new AbortController().signal,
    });

  test("is given its standard input and environment, whatever is in them", async () => {
    const path = await install('#!/bin/sh\ncat; echo "$INHERITED $A $B $C"; echo note >&2\n');
    const stdin = JSON.stringify({ text: 'it\'s $HOME `id` \\ "quoted" ü\n' });
    const variables = { A: "it's $HOME", B: "`id`\n;", C: "" };
    await expect(run(path, { stdin, variables })).resolves.toMatchObject({
      exitCode: 0,
      signal: null,
      stdout: expect.stringMatching(/^\{.*\}\n?yes it's \$HOME `id`\n; \n$/s),
      stderr: "note\n",
    });
    const { stdout } = await run(path, { stdin });
    expect(JSON.parse(stdout.split("\n", 1)[0]?.replace(/yes.*$/, "") ?? "")).toEqual(
      JSON.parse(stdin),
    );
  });

  test("may be given, and print, a megabyte", async () => {
    const path = await install("#!/bin/sh\ncat\n");
    const stdin = JSON.stringify("x".repeat(1_000_000));
    const { stdout } = await run(path, { stdin });
    expect(stdout.trimEnd()).toBe(stdin);
  });

  test("that does not read its input ends as it wants", async () => {
    const path = await install("#!/bin/sh\nexit 3\n");
    const stdin = JSON.stringify("x".repeat(1_000_000));
    await expect(run(path, { stdin })).resolves.toMatchObject({ exitCode: 3, stdout: "" });
  });

  test("tells its exit status, also 126 and 127", async () => {
    const exec = createExec();
    for (const status of [0, 1, 126, 127]) {
      const path = await install(`#!/bin/sh\necho run >>${dir}/runs\nexit ${status}\n`);
      await expect(run(path, { exec })).resolves.toMatchObject({ exitCode: status, signal: null });
    }
    // None was run again for being mistaken for one that did not start.
    expect(await readFile(join(dir, "runs"), "utf8")).toBe("run\n".repeat(4));
  });

  test("tells the signal that ended it", async () => {
    const path = await install("#!/bin/sh\nkill -KILL $$\n");
    await expect(run(path)).resolves.toMatchObject({ exitCode: null, signal: "SIGKILL" });
  });

  test("keeps only the end of a long standard error", async () => {
    const path = await install(
      "#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' x >&2; echo end >&2\n",
    );
    const { stderr } = await run(path);
    expect(stderr).toHaveLength(16 * 1024);
    expect(stderr.endsWith("xend\n")).toBe(true);
  });

  test("is killed when it prints without end", async () => {
    const path = await install("#!/bin/sh\ncat /dev/zero\n");
    await expect(run(path)).rejects.toMatchObject({ code: "invalid_result" });
  });

  test("is killed with all that it started when the signal aborts", async () => {
    const path = await install(`#!/bin/sh\nsleep 1000 &\necho $! $$ >${dir}/pids\nwait\n`);
    const abort = new AbortController();
    const running = run(path, { signal: abort.signal });
    const pids = (await written(join(dir, "pids"))).trim().split(" ").map(Number);
    const alive = () => Promise.all(pids.map(isAlive));
    expect(await alive()).toEqual([true, true]);
    const reason = new Error("enough");
    abort.abort(reason);
    await expect(running).rejects.toBe(reason);
    await until(async () => !(await alive()).includes(true));
    expect(await alive()).toEqual([false, false]);
  });

  test("is not started when the signal has aborted before", async () => {
    const path = await install(`#!/bin/sh\necho run >${dir}/runs\n`);
    const reason = new Error("enough");
    await expect(run(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(readFile(join(dir, "runs"))).rejects.toThrow("ENOENT");
  });

  test("runs after an abort and beside others", async () => {
    const exec = createExec();
    const stuck = await install(`#!/bin/sh\necho >${dir}/started\nsleep 1000\n`, "stuck");
    const quick = await install('#!/bin/sh\necho "$N"\n', "quick");
    const abort = new AbortController();
    const running = run(stuck, { exec, signal: abort.signal });
    await written(join(dir, "started"));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => run(quick, { exec, variables: { N: String(n) } })),
    );
    expect(answers.map(({ stdout }) => stdout)).toEqual(answers.map((_, n) => `${n}\n`));
    abort.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    await expect(run(quick, { exec, variables: { N: "last" } })).resolves.toMatchObject({
      stdout: "last\n",
    });
  });

  test("does not mix with what an earlier one still prints", async () => {
    const exec = createExec();
    const noisy = await install(
      `#!/bin/sh\n(trap '' PIPE; while [ ! -e ${dir}/stop ]; do sleep 0.01; done; echo late; echo late >&2; echo >${dir}/stopped) &\necho first\n`,
      "noisy",
    );
    const quiet = await install("#!/bin/sh\necho second\n", "quiet");
    await expect(run(noisy, { exec })).resolves.toMatchObject({ exitCode: 0, stdout: "first\n" });
    await writeFile(join(dir, "stop"), "");
    await written(join(dir, "stopped"));
    await expect(run(quiet, { exec })).resolves.toMatchObject({ stdout: "second\n", stderr: "" });
  });

  test("that is not there fails to start", async () => {
    await expect(run(join(dir, "none"))).rejects.toMatchObject({
      code: "spawn_failed",
      cause: { code: "ENOENT" },
    });
  });

  test("that may not be executed fails to start", async () => {
    const path = await install("#!/bin/sh\n");
    await chmod(path, 0o644);
    await expect(run(path)).rejects.toMatchObject({
      code: "spawn_failed",
      cause: { code: "EACCES" },
    });
  });

  test("whose interpreter is missing fails to start", async () => {
    const path = await install("#!/no/such/shell\n");
    await expect(run(path)).rejects.toMatchObject({
      code: "spawn_failed",
      cause: { code: "ENOENT" },
    });
  });

  test("that is still being written is tried again until it is complete", async () => {
    const path = await install("#!/bin/sh\necho done\n");
    const writer = await open(path, "r+");
    let retries = 0;
    const exec = createExec((_level, message) => {
      retries += 1;
      expect(message).toMatch(/being written/);
      // The writer is done after the second try.
      if (retries === 2) void writer.close();
    });
    await expect(run(path, { exec })).resolves.toMatchObject({ exitCode: 0, stdout: "done\n" });
    expect(retries).toBeGreaterThanOrEqual(2);
  });

  test("that stays being written is given up when the signal aborts", async () => {
    const path = await install("#!/bin/sh\n");
    const writer = await open(path, "r+");
    const abort = new AbortController();
    const exec = createExec(() => abort.abort(new Error("enough")));
    await expect(run(path, { exec, signal: abort.signal })).rejects.toThrow("enough");
    await writer.close();
  });
});

describe("the shell", () => {
  const run = (exec: PluginExec, path: string) => {
    const { signal } = new AbortController();
    return exec.run({ path, env: { ...process.env } as never, variables: {}, stdin: "", signal });
  };

  test("is kept for the next run", async () => {
    const exec = createPluginExec(() => {});
    execs.push(exec);
    const path = await install("#!/bin/sh\necho $PPID\n");
    const first = await run(exec, path);
    await expect(run(exec, path)).resolves.toEqual(first);
  });

  test("that was killed is replaced", async () => {
    const exec = createPluginExec(() => {});
    execs.push(exec);
    const path = await install("#!/bin/sh\necho $PPID\n");
    const { stdout } = await run(exec, path);
    process.kill(Number(stdout), "SIGKILL");
    // Whether or not its end has been noticed yet.
    await expect(run(exec, path)).resolves.toMatchObject({ exitCode: 0 });
    await until(async () => !(await isAlive(Number(stdout))));
    await expect(run(exec, path)).resolves.toMatchObject({ exitCode: 0 });
  });

  test("that is killed while a plugin runs fails that run only", async () => {
    const exec = createPluginExec(() => {});
    execs.push(exec);
    const path = await install(
      `#!/bin/sh\nif [ ! -e ${dir}/once ]; then echo >${dir}/once; kill -KILL $PPID; fi\n`,
    );
    await expect(run(exec, path)).rejects.toMatchObject({ code: "spawn_failed" });
    await expect(run(exec, path)).resolves.toMatchObject({ exitCode: 0 });
  });

  test("is done without where there is none", async () => {
    const exec = createPluginExec(() => {}, join(dir, "no-shell"));
    execs.push(exec);
    const path = await install("#!/bin/sh\necho $PPID\n");
    for (let run1 = 0; run1 < 2; run1 += 1) {
      await expect(run(exec, path)).resolves.toMatchObject({ stdout: `${process.pid}\n` });
    }
  });
});

describe("an executable", () => {
  const run = (exec: PluginExec, path: string) => {
    execs.push(exec);
    const { signal } = new AbortController();
    return exec.run({ path, env: {}, variables: {}, stdin: "", signal });
  };

  test("of another machine is not read as a shell script", async () => {
    const path = join(dir, "foreign");
    await copyFile("/bin/true", path);
    const file = await open(path, "r+");
    // e_machine 8 is a MIPS.
    await file.write(Buffer.from([8, 0]), 0, 2, 18);
    await file.close();
    await expect(
      run(
        createPluginExec(() => {}),
        path,
      ),
    ).rejects.toMatchObject({
      code: "spawn_failed",
      message: expect.stringContaining("neither a program for this machine nor a script"),
    });
  });

  test("of no format at all is not read as a shell script", async () => {
    const path = await install(`echo run >${dir}/runs\n`);
    await expect(
      run(
        createPluginExec(() => {}),
        path,
      ),
    ).rejects.toMatchObject({
      code: "spawn_failed",
    });
    await expect(readFile(join(dir, "runs"))).rejects.toThrow("ENOENT");
  });

  test("that was replaced is looked at anew", async () => {
    const exec = createPluginExec(() => {});
    const path = await install("#!/bin/sh\necho script\n");
    await expect(run(exec, path)).resolves.toMatchObject({ stdout: "script\n" });
    await rm(path);
    await install("echo no script\n");
    await expect(run(exec, path)).rejects.toMatchObject({ code: "spawn_failed" });
  });
});
