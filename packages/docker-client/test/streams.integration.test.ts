import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  createDockerClient,
  type ExecCreateBody,
  type HijackedStream,
  type LogFrame,
  type LogOptions,
} from "../src/index.js";
import { type LabEngine, openLabEngine } from "./lab-engine.js";
import { startSocketProxy } from "./socket-proxy.js";

let lab: LabEngine;
let sleeper: string;

beforeAll(async () => {
  lab = openLabEngine();
  sleeper = await lab.startSleeping();
});

afterAll(() => lab.end());

async function bytes(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function startExec(body: ExecCreateBody): Promise<{ id: string; stream: HijackedStream }> {
  const id = await lab.client.exec.create(sleeper, {
    AttachStdout: true,
    AttachStderr: true,
    ...body,
  });
  const { Tty: tty = false, AttachStdin: stdin = false } = body;
  return { id, stream: await lab.client.exec.start(id, { tty, stdin }) };
}

describe("exec", () => {
  test("keeps stdout and stderr apart and tells the exit code", async () => {
    const result = await lab.run(sleeper, "sh", "-c", "echo out; echo err >&2; exit 3");
    expect(result).toEqual({ stdout: "out\n", stderr: "err\n", code: 3 });
  });

  test("passes 8 MB through cat, whose output goes on after its input ended", async () => {
    const { id, stream } = await startExec({ Cmd: ["cat"], AttachStdin: true });
    const input = randomBytes(8_000_000);
    const output = bytes(stream.stdout);
    stream.stderr.resume();
    stream.stdin?.end(input);
    expect((await output).equals(input)).toBe(true);
    expect((await lab.client.exec.inspect(id)).ExitCode).toBe(0);
  });

  test("delivers what a process prints only after the end of its input", async () => {
    const { stream } = await startExec({
      Cmd: ["sh", "-c", "wc -c; echo after; echo problem >&2"],
      AttachStdin: true,
    });
    stream.stdin?.end("12345");
    const [out, err] = await Promise.all([text(stream.stdout), text(stream.stderr)]);
    expect(out.trim().split(/\s+/)).toEqual(["5", "after"]);
    expect(err).toBe("problem\n");
  });

  test("of a process that leaves most of its input unread ends cleanly with all its output", async () => {
    for (let i = 0; i < 5; i++) {
      const { id, stream } = await startExec({ Cmd: ["head", "-c", "10"], AttachStdin: true });
      stream.stderr.resume();
      stream.stdin?.end(Buffer.alloc(4_000_000, "x"));
      expect(await text(stream.stdout)).toBe("x".repeat(10));
      expect((await lab.client.exec.inspect(id)).ExitCode).toBe(0);
    }
  });

  test("makes the process wait when nobody reads, and loses nothing", async () => {
    const { stream } = await startExec({ Cmd: ["head", "-c", "20000000", "/dev/zero"] });
    stream.stderr.resume();
    await new Promise((resolve) => stream.stdout.once("readable", resolve));
    for (let i = 0; i < 20; i++) await lab.client.ping();
    expect(stream.stdout.readableLength).toBeLessThan(1_000_000);
    expect((await bytes(stream.stdout)).length).toBe(20_000_000);
  });

  test("with a terminal has its size and merges the outputs", async () => {
    const { id, stream } = await startExec({
      Cmd: ["sh", "-c", "read go; stty size; echo err >&2"],
      Tty: true,
      AttachStdin: true,
    });
    await lab.client.exec.resize(id, { height: 33, width: 120 });
    stream.stdin?.write("go\n");
    const output = await text(stream.stdout);
    expect(output).toContain("33 120\r\n");
    expect(output).toContain("err\r\n");
    expect(await text(stream.stderr)).toBe("");
  });

  test("takes user, folder and environment", async () => {
    const { stream } = await startExec({
      Cmd: ["sh", "-c", 'id -u; pwd; echo "$V"'],
      User: "1234",
      WorkingDir: "/bin",
      Env: ["V=a b"],
    });
    expect(await text(stream.stdout)).toBe("1234\n/bin\na b\n");
  });

  test("in a stopped container is a conflict, in a missing one not found", async () => {
    const id = await lab.create();
    const body = { Cmd: ["true"] };
    await expect(lab.client.exec.create(id, body)).rejects.toMatchObject({ code: "conflict" });
    await expect(lab.client.exec.create("nobody", body)).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(
      lab.client.exec.start("nobody", { tty: false, stdin: false }),
    ).rejects.toMatchObject({ code: "not_found", operation: "exec.start" });
  });

  test("that is aborted frees its connection", async () => {
    const proxy = await startSocketProxy(lab.endpoint);
    const client = createDockerClient({ endpoint: proxy.endpoint });
    const controller = new AbortController();
    const id = await client.exec.create(sleeper, {
      Cmd: ["sh", "-c", "echo started; exec sleep 1000"],
      AttachStdout: true,
    });
    const { signal } = controller;
    const stream = await client.exec.start(id, { tty: false, stdin: false, signal });
    await once(stream.stdout, "readable");
    controller.abort();
    await expect(finished(stream.stdout.resume())).rejects.toMatchObject({ code: "canceled" });
    // The engine may hand over the first output before it has noted the pid.
    let pid = 0;
    while (pid === 0) pid = (await client.exec.inspect(id)).Pid;
    process.kill(pid, "SIGKILL");
    await client.close();
    await proxy.idle();
    await proxy.close();
  });

  test("twenty in a row use a connection each and leave none open", async () => {
    const proxy = await startSocketProxy(lab.endpoint);
    const client = createDockerClient({ endpoint: proxy.endpoint, maxSockets: 1 });
    for (let i = 0; i < 20; i++) {
      const id = await client.exec.create(sleeper, {
        Cmd: ["cat"],
        AttachStdin: true,
        AttachStdout: true,
      });
      const stream = await client.exec.start(id, { tty: false, stdin: true });
      stream.stdin?.end(`${i}`);
      expect(await text(stream.stdout)).toBe(`${i}`);
    }
    expect(proxy.accepted).toBe(21);
    await client.close();
    await proxy.idle();
    await proxy.close();
  });
});

describe("attach", () => {
  test("talks to the container's first process until it ends", async () => {
    const id = await lab.create({
      Cmd: ["sh", "-c", "cat; echo done >&2"],
      OpenStdin: true,
      StdinOnce: true,
    });
    const options = { tty: false, stdin: true, stdout: true, stderr: true };
    const stream = await lab.client.containers.attach(id, options);
    await lab.client.containers.start(id);
    stream.stdin?.end("hello");
    expect(await Promise.all([text(stream.stdout), text(stream.stderr)])).toEqual([
      "hello",
      "done\n",
    ]);
  });

  test("with a terminal follows resizes, and replays the log if asked to", async () => {
    const id = await lab.create({
      Cmd: ["sh", "-c", "echo first; read x; stty size"],
      Tty: true,
      OpenStdin: true,
    });
    await lab.client.containers.start(id);
    for await (const _ of lab.client.containers.logs(id, { follow: true })) break;
    await lab.client.containers.resize(id, { height: 11, width: 44 });
    const stream = await lab.client.containers.attach(id, {
      tty: true,
      stdin: true,
      stdout: true,
      logs: true,
    });
    stream.stdin?.write("x\n");
    expect(await text(stream.stdout)).toMatch(/^first\r\n.*11 44\r\n$/s);
  });
});

describe("logs", () => {
  async function ended(command: string, tty: boolean = false): Promise<string> {
    const id = await lab.create({ Cmd: ["sh", "-c", command], Tty: tty });
    await lab.client.containers.start(id);
    await lab.client.containers.wait(id);
    return id;
  }

  async function frames(id: string, options: LogOptions = {}): Promise<LogFrame[]> {
    const all: LogFrame[] = [];
    for await (const batch of lab.client.containers.logs(id, options).batches()) all.push(...batch);
    return all;
  }

  const joined = (list: LogFrame[], stream: string) =>
    Buffer.concat(list.filter((f) => f.stream === stream).map((f) => f.data)).toString("utf8");

  test("come apart by stream, and only those asked for", async () => {
    const id = await ended("echo out; echo err >&2");
    const all = await frames(id);
    expect([joined(all, "stdout"), joined(all, "stderr")]).toEqual(["out\n", "err\n"]);
    const errors = await frames(id, { stdout: false });
    expect(errors.map(({ stream }) => stream)).toEqual(["stderr"]);
  });

  test("carry one message a frame with its own timestamp; long lines come in partial ones", async () => {
    const id = await ended("echo short; head -c 40000 /dev/zero | tr '\\0' x; echo");
    const all = await frames(id, { timestamps: true });
    const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /;
    const contents = all.map(({ data }) => data.toString("utf8").replace(stamp, ""));
    expect(all.every(({ data }) => stamp.test(data.toString("utf8")))).toBe(true);
    expect(contents.map((content) => [content.length, content.endsWith("\n")])).toEqual([
      [6, true],
      [16_384, false],
      [16_384, false],
      [40_001 - 2 * 16_384, true],
    ]);
  });

  test("of a terminal come raw", async () => {
    const id = await ended("echo out; echo err >&2", true);
    const all = await frames(id);
    expect(joined(all, "stdout")).toBe("out\r\nerr\r\n");
  });

  test("can be cut by tail and time", async () => {
    const id = await ended("for i in 1 2 3 4 5; do echo $i; done");
    expect(joined(await frames(id, { tail: 2 }), "stdout")).toBe("4\n5\n");
    expect(joined(await frames(id, { tail: 0 }), "stdout")).toBe("");
    const all = await frames(id, { timestamps: true });
    const third = all[2]?.data.toString("utf8").split(" ")[0] ?? "";
    const [, seconds = "", nanos = ""] = /^(.*)\.(\d{9})Z$/.exec(third) ?? [];
    const since = `${Date.parse(`${seconds}Z`) / 1000}.${nanos}`;
    expect(joined(await frames(id, { since }), "stdout")).toBe("3\n4\n5\n");
  });

  test("follow to the end of the container without loss", async () => {
    const id = await lab.create({
      Cmd: ["sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"],
    });
    await lab.client.containers.start(id);
    const lines = joined(await frames(id, { follow: true }), "stdout")
      .trimEnd()
      .split("\n");
    expect(lines.every((line, i) => line === `line ${i}`)).toBe(true);
    const { Version } = await lab.client.version();
    // Docker 20.10 itself may end a follower early on a busy machine; it has kept the rest.
    const whole = Version.startsWith("20.") ? joined(await frames(id), "stdout") : undefined;
    expect(whole?.trimEnd().split("\n") ?? lines).toHaveLength(20_000);
  });

  test("of a silent container can be followed and aborted, which frees the connection", async () => {
    const proxy = await startSocketProxy(lab.endpoint);
    const client = createDockerClient({ endpoint: proxy.endpoint });
    const controller = new AbortController();
    const items = client.containers
      .logs(sleeper, { follow: true, signal: controller.signal })
      [Symbol.asyncIterator]();
    const next = items.next();
    await client.ping();
    controller.abort();
    await expect(next).rejects.toMatchObject({ code: "canceled" });
    await client.close();
    await proxy.idle();
    await proxy.close();
  });

  test("of nobody are not found", async () => {
    await expect(frames("nobody")).rejects.toMatchObject({ code: "not_found" });
    await expect(frames("nobody", { tty: false })).rejects.toMatchObject({ code: "not_found" });
  });
});
