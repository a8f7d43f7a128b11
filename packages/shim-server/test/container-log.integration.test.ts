import {
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ContainerState } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { readNumberedLog } from "./log-checker.js";

describe("container logs on a real engine", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await createHarness();
  });
  afterAll(() => harness.close());

  interface Running {
    id: string;
    path: string;
  }

  /** Runs a shell script in a pod of its own. */
  async function run(
    script: string,
    changes: Parameters<Harness["runPod"]>[1] = {},
  ): Promise<Running> {
    const command = ["sh", "-c", script];
    const { containerId, config } = await harness.runPod({}, { command, ...changes });
    return { id: containerId, path: join(config.logDirectory ?? "", "main.log") };
  }

  async function state(id: string): Promise<ContainerState | undefined> {
    return (await harness.cri.runtime.containerStatus({ containerId: id })).status?.state;
  }

  async function ended(id: string): Promise<void> {
    await until(async () => (await state(id)) === ContainerState.CONTAINER_EXITED);
  }

  /**
   * Lets a script go on that waits for `/go`. No command is run for that: the container's end may
   * overtake its, and then Docker 20.10 does not know how it ended.
   */
  async function letGo(id: string): Promise<void> {
    const { State: state } = await harness.docker.containers.inspect(id);
    writeFileSync(`/proc/${state.Pid}/root/go`, "");
  }

  /** Lines without their stamps. */
  function lines(path: string): string[] {
    return readFileSync(path, "latin1")
      .split("\n")
      .map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /, ""));
  }

  const numbers = (count: number, pad = 80): string =>
    `awk 'BEGIN{for(p="";length(p)<${pad};)p=p "x";for(i=1;i<=${count};i++)print i " " p}'`;

  test("hold each kind of line as CRI's format has it", async () => {
    const { id, path } = await run(
      String.raw`printf 'a\r\n\nb\377\000c\n'; sleep 0.2; echo err >&2; sleep 0.2;
      head -c 40000 /dev/zero | tr '\0' z; echo; printf end`,
    );
    await ended(id);
    expect(lines(path)).toEqual([
      "stdout F a\r",
      "stdout F ",
      "stdout F b\xff\0c",
      "stderr F err",
      `stdout P ${"z".repeat(16_384)}`,
      `stdout P ${"z".repeat(16_384)}`,
      `stdout F ${"z".repeat(7_232)}`,
      "stdout P end",
      "",
    ]);
  });

  test("of a terminal have no CR before the end of the line", async () => {
    const { id, path } = await run("echo out; echo err >&2", { tty: true });
    await ended(id);
    expect(lines(path)).toEqual(["stdout F out", "stdout F err", ""]);
  });

  test("hold a line of 10 MB", async () => {
    const { id, path } = await run(`printf '1 '; head -c 10485760 /dev/zero | tr '\\0' z; echo`);
    await ended(id);
    const log = await readNumberedLog(path, (rest) => rest === ` ${"z".repeat(10_485_760)}`);
    expect(log).toMatchObject({ lines: 1, problems: [] });
  });

  test("are there, empty, as soon as the container is started", async () => {
    const { id, path } = await run("sleep 100");
    const { status } = await harness.cri.runtime.containerStatus({ containerId: id });
    expect(status?.logPath).toBe(path);
    expect(statSync(path).size).toBe(0);
    expect(statSync(path).isFile()).toBe(true);
  });

  test("are complete when a status says that the container has exited", async () => {
    for (let round = 0; round < 5; round++) {
      const { id, path } = await run(numbers(30_000));
      await ended(id);
      const log = await readNumberedLog(path);
      expect(log).toMatchObject({ last: { stdout: 30_000 }, problems: [] });
    }
  });

  test("are complete when StopContainer returns", async () => {
    const { id, path } = await run(
      `trap '${numbers(2_000, 20).replaceAll("'", `'"'"'`)}; exit 0' TERM; while :; do sleep 0.1; done`,
    );
    await harness.cri.runtime.stopContainer({ containerId: id, timeout: 10n });
    expect(await readNumberedLog(path)).toMatchObject({ last: { stdout: 2_000 }, problems: [] });
  });

  test("lose and double nothing when ten that write as fast as they can are rotated", async () => {
    const config = harness.sandboxConfig();
    const { podSandboxId } = await harness.cri.runtime.runPodSandbox({ config });
    const count = 40_000;
    const writers = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const name = `w${index}`;
        const { containerId } = await harness.cri.runtime.createContainer({
          podSandboxId,
          sandboxConfig: config,
          config: harness.containerConfig({
            metadata: { name, attempt: 0 },
            command: ["sh", "-c", `${numbers(count)}; touch /done; sleep 100`],
            logPath: `${name}/0.log`,
          }),
        });
        await harness.cri.runtime.startContainer({ containerId });
        return { id: containerId, path: join(config.logDirectory ?? "", name, "0.log"), turns: 0 };
      }),
    );
    for (let round = 0; round < 6; round++) {
      await Promise.all(
        writers.map(async (writer) => {
          renameSync(writer.path, `${writer.path}.${++writer.turns}`);
          await harness.cri.runtime.reopenContainerLog({ containerId: writer.id });
          expect(existsSync(writer.path)).toBe(true);
        }),
      );
    }
    for (const { id, path } of writers) {
      await until(async () => {
        const cmd = ["test", "-e", "/done"];
        return (await harness.cri.runtime.execSync({ containerId: id, cmd })).exitCode === 0;
      });
      await harness.cri.runtime.stopContainer({ containerId: id, timeout: 0n });
      expect(await readNumberedLog(path)).toMatchObject({
        files: 7,
        last: { stdout: count },
        problems: [],
      });
    }
  });

  test("go on where they were after the daemon was away", async () => {
    const { id, path } = await run(`for n in 1 2 3; do sleep 0.3; done; ${numbers(20_000)}`);
    await harness.restart();
    await ended(id);
    expect(await readNumberedLog(path)).toMatchObject({ last: { stdout: 20_000 }, problems: [] });
  });

  test("are made anew when their folder was removed", async () => {
    const { id, path } = await run("echo 1; while [ ! -e /go ]; do sleep 0.05; done; echo 2");
    await until(() => statSync(path).size > 0);
    rmSync(join(path, ".."), { recursive: true });
    await harness.cri.runtime.reopenContainerLog({ containerId: id });
    expect(existsSync(path)).toBe(true);
    await letGo(id);
    await ended(id);
    expect(lines(path)).toEqual(["stdout F 2", ""]);
  });

  test.each(["../x.log", "/x.log", "link/x.log", "link.log"])(
    "are refused at %s",
    async (logPath) => {
      const config = harness.sandboxConfig();
      await mkdir(config.logDirectory ?? "", { recursive: true });
      symlinkSync("/", join(config.logDirectory ?? "", "link"));
      symlinkSync(join(harness.dir, "elsewhere"), join(config.logDirectory ?? "", "link.log"));
      const { podSandboxId } = await harness.cri.runtime.runPodSandbox({ config });
      await expect(
        harness.cri.runtime.createContainer({
          podSandboxId,
          sandboxConfig: config,
          config: harness.containerConfig({ logPath }),
        }),
      ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    },
  );

  test("of what does not run are not reopened", async () => {
    const { id } = await run("true");
    await ended(id);
    await expect(harness.cri.runtime.reopenContainerLog({ containerId: id })).rejects.toMatchObject(
      { code: "FAILED_PRECONDITION" },
    );
  });

  test("stay with the mode that their container was made in", async () => {
    const script = "echo one; while [ ! -e /go ]; do sleep 0.05; done; echo two";
    const cri = await run(script);
    await harness.restart({ logMode: "docker" });
    const linked = await run(script);
    await until(() => existsSync(linked.path));
    await expect(
      harness.cri.runtime.reopenContainerLog({ containerId: linked.id }),
    ).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
    await harness.restart();
    for (const { id } of [cri, linked]) {
      await letGo(id);
      await ended(id);
    }
    expect(lines(cri.path)).toEqual(["stdout F one", "stdout F two", ""]);
    expect(readFileSync(linked.path, "utf8")).toMatch(/^\{"log":"one\\n".*\n\{"log":"two\\n".*\n$/);
  });

  test("leave the engine's own log readable and bounded", async () => {
    const { id } = await run("echo 1; echo 2");
    await ended(id);
    const { HostConfig: host } = await harness.docker.containers.inspect(id);
    expect(host?.LogConfig).toEqual({
      Type: "local",
      Config: { "max-size": "32m", "max-file": "4", compress: "false" },
    });
    const output: string[] = [];
    for await (const { data } of harness.docker.containers.logs(id)) output.push(data.toString());
    expect(output.join("")).toBe("1\n2\n");
  });

  test.each([
    ["", (containerId: string) => harness.cri.runtime.removeContainer({ containerId })],
    [" behind our back", (id: string) => harness.docker.containers.remove(id, { force: true })],
  ])("leave no position behind when their container is removed%s", async (_how, remove) => {
    const { id } = await run("echo 1");
    await ended(id);
    const position = join(harness.options.rootDir ?? "", "logs", `${id}.position`);
    expect(existsSync(position)).toBe(true);
    await remove(id);
    await until(() => !existsSync(position));
  });
});
