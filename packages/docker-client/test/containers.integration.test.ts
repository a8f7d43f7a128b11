import { buffer } from "node:stream/consumers";
import { tarOf, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { compareApiVersions } from "../src/api-version.js";
import { createDockerClient } from "../src/index.js";
import { type LabEngine, openLabEngine } from "./lab-engine.js";
import { startSocketProxy } from "./socket-proxy.js";

let lab: LabEngine;

beforeAll(() => {
  lab = openLabEngine();
});

afterAll(() => lab.end());

describe("the life of a container", () => {
  test("create, start, stop, remove, with each state seen by inspect and list", async () => {
    const { containers } = lab.client;
    const name = lab.uniqueName();
    const id = await lab.create(
      { Cmd: ["sleep", "1000"], Env: ["A=b c"], Labels: { purpose: "life" } },
      name,
    );
    const created = await containers.inspect(id);
    expect(created).toMatchObject({
      Id: id,
      Name: `/${name}`,
      State: { Status: "created", Running: false, Pid: 0 },
      Config: { Cmd: ["sleep", "1000"], Tty: false, Labels: { purpose: "life" } },
      HostConfig: { NetworkMode: "none" },
    });
    expect(created.Config.Env).toContain("A=b c");

    expect(await containers.start(id)).toEqual({ changed: true });
    expect(await containers.start(id)).toEqual({ changed: false });
    const running = await containers.inspect(name, { size: true });
    expect(running.State).toMatchObject({ Status: "running", Running: true });
    expect(running.State.Pid).toBeGreaterThan(0);
    expect(running.SizeRootFs).toBeGreaterThan(0);
    const filters = { id: [id] };
    expect(await containers.list({ filters })).toMatchObject([
      { Id: id, Names: [`/${name}`], State: "running", Labels: { purpose: "life" } },
    ]);

    expect(await containers.stop(id, { timeoutSeconds: 0 })).toEqual({ changed: true });
    expect(await containers.stop(id, { timeoutSeconds: 0 })).toEqual({ changed: false });
    expect(await containers.list({ filters })).toEqual([]);
    expect(await containers.list({ all: true, filters })).toMatchObject([{ State: "exited" }]);
    expect((await containers.inspect(id)).State).toMatchObject({ ExitCode: 137, OOMKilled: false });

    await containers.remove(id);
    await expect(containers.inspect(id)).rejects.toMatchObject({
      code: "not_found",
      status: 404,
      engineMessage: expect.stringContaining(id),
    });
  });

  test("a name that is taken is a conflict, in the engine's words", async () => {
    const name = lab.uniqueName();
    const id = await lab.create({}, name);
    await expect(lab.create({}, name)).rejects.toMatchObject({
      code: "conflict",
      engineMessage: expect.stringContaining(`"/${name}" is already in use by container "${id}"`),
    });
  });

  test("an image that is missing is not found", async () => {
    await expect(lab.create({ Image: "nobody/has-this:1" })).rejects.toMatchObject({
      code: "not_found",
      engineMessage: expect.stringContaining("No such image: nobody/has-this:1"),
    });
  });

  test("a bad option is an invalid argument", async () => {
    await expect(lab.create({ HostConfig: { Memory: 1 } })).rejects.toMatchObject({
      code: "invalid_argument",
      engineMessage: expect.stringMatching(/memory/i),
    });
  });

  test("a start that fails carries the runtime's words", async () => {
    const id = await lab.create({ Cmd: ["/no/such/program"] });
    await expect(lab.client.containers.start(id)).rejects.toMatchObject({
      code: expect.stringMatching(/^(invalid_argument|not_found|server_error)$/),
      engineMessage: expect.stringContaining("/no/such/program"),
    });
  });

  test("removing what runs needs force", async () => {
    const id = await lab.startSleeping();
    await expect(lab.client.containers.remove(id)).rejects.toMatchObject({ code: "conflict" });
    await lab.client.containers.remove(id, { force: true });
  });

  test("rename, update, pause, unpause and kill do what they say", async () => {
    const { containers } = lab.client;
    const id = await lab.startSleeping();
    const name = lab.uniqueName();
    await containers.rename(id, name);
    expect((await containers.inspect(name)).Id).toBe(id);
    await containers.update(id, { CpuShares: 512, Memory: 64 << 20, MemorySwap: 64 << 20 });
    expect((await containers.inspect(id)).HostConfig).toMatchObject({
      CpuShares: 512,
      Memory: 64 << 20,
    });
    await containers.pause(id);
    expect((await containers.inspect(id)).State.Status).toBe("paused");
    await containers.unpause(id);
    await containers.kill(id, { killSignal: "KILL" });
    await containers.wait(id);
    await expect(containers.kill(id)).rejects.toMatchObject({ code: "conflict" });
  });

  test("changes names what differs from the image, and the export has it", async () => {
    const { containers } = lab.client;
    const id = await lab.create({ Cmd: ["sh", "-c", "echo here >/made; rm /etc/group"] });
    expect(await containers.changes(id)).toEqual([]);
    await containers.start(id);
    await containers.wait(id);
    expect(await containers.changes(id)).toEqual(
      expect.arrayContaining([
        { Path: "/made", Kind: 1 },
        { Path: "/etc", Kind: 0 },
        { Path: "/etc/group", Kind: 2 },
      ]),
    );
    const bytes = await buffer(await containers.exportFiles(id));
    expect(bytes.includes("here\n")).toBe(true);
  });

  test("a checkpoint is refused by an engine that is not experimental", async () => {
    const id = await lab.startSleeping();
    await expect(lab.client.containers.checkpoint(id, { checkpointId: "c" })).rejects.toMatchObject(
      { code: "not_implemented", operation: "containers.checkpoint" },
    );
  });

  test("top lists the processes", async () => {
    const id = await lab.startSleeping();
    const commands = async () => {
      const { Titles, Processes } = await lab.client.containers.top(id, "-o pid,args");
      return Processes.map((process) => process[Titles.indexOf("COMMAND")]);
    };
    // A process that has just been started may still be the runtime's.
    await until(async () => !(await commands()).includes("runc init"));
    expect(await commands()).toEqual(["sleep 1000"]);
  });

  test("stopping with a signal of choice works from API 1.42 on, and is refused before", async () => {
    const id = await lab.create({
      Cmd: ["sh", "-c", 'trap "exit 42" USR1; echo ready; while :; do sleep 0.1; done'],
    });
    await lab.client.containers.start(id);
    for await (const _ of lab.client.containers.logs(id, { follow: true })) break;
    const stop = lab.client.containers.stop(id, { stopSignal: "USR1", timeoutSeconds: 60 });
    if (compareApiVersions(await lab.client.apiVersion(), "1.42") < 0) {
      await expect(stop).rejects.toMatchObject({ code: "not_implemented" });
    } else {
      await stop;
      expect((await lab.client.containers.inspect(id)).State.ExitCode).toBe(42);
    }
  });
});

describe("waiting", () => {
  test("for the next exit can begin before the start, and misses nothing", async () => {
    const id = await lab.create({ Cmd: ["sh", "-c", "exit 7"] });
    let waiting: () => void = () => undefined;
    const registered = new Promise<void>((resolve) => {
      waiting = resolve;
    });
    const exit = lab.client.containers.wait(id, { condition: "next-exit", onWaiting: waiting });
    await registered;
    await lab.client.containers.start(id);
    expect(await exit).toMatchObject({ StatusCode: 7 });
  });

  test("for the removal ends with it", async () => {
    const id = await lab.create();
    let waiting: () => void = () => undefined;
    const registered = new Promise<void>((resolve) => {
      waiting = resolve;
    });
    const gone = lab.client.containers.wait(id, { condition: "removed", onWaiting: waiting });
    await registered;
    await lab.client.containers.remove(id);
    await gone;
  });

  test("can be aborted, which frees the connection", async () => {
    const proxy = await startSocketProxy(lab.endpoint);
    const client = createDockerClient({ endpoint: proxy.endpoint });
    const id = await lab.startSleeping();
    const controller = new AbortController();
    const exit = client.containers.wait(id, {
      signal: controller.signal,
      onWaiting: () => controller.abort(),
    });
    await expect(exit).rejects.toMatchObject({ code: "canceled" });
    await client.close();
    await proxy.idle();
    await proxy.close();
  });
});

describe("archives", () => {
  test("what is put into a container can be fetched again", async () => {
    const id = await lab.startSleeping();
    const { containers } = lab.client;
    const content = Buffer.alloc(3_000_000, "0123456789");
    await containers.putArchive(id, "/tmp", tarOf("big.txt", content));
    expect((await lab.run(id, "wc", "-c", "/tmp/big.txt")).stdout).toContain("3000000");
    const { stat, tar } = await containers.getArchive(id, "/tmp/big.txt");
    expect(stat).toMatchObject({ name: "big.txt", size: content.length });
    const chunks: Buffer[] = [];
    for await (const chunk of tar) chunks.push(chunk as Buffer);
    const received = Buffer.concat(chunks);
    expect(received.subarray(512, 512 + content.length).equals(content)).toBe(true);
  });

  test("a missing path, folder or container is not found, even with much to send", async () => {
    const id = await lab.create();
    const { containers } = lab.client;
    await expect(containers.getArchive(id, "/no/such")).rejects.toMatchObject({
      code: "not_found",
    });
    const tar = tarOf("big", Buffer.alloc(20_000_000));
    await expect(containers.putArchive(id, "/no/such", tar)).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(containers.putArchive("nobody", "/", tar)).rejects.toMatchObject({
      code: "not_found",
      engineMessage: expect.stringContaining("No such container: nobody"),
    });
  });

  test("a fetch that is left early frees its connection", async () => {
    const proxy = await startSocketProxy(lab.endpoint);
    const client = createDockerClient({ endpoint: proxy.endpoint });
    const id = await lab.startSleeping();
    const { tar } = await client.containers.getArchive(id, "/bin");
    for await (const _ of tar) break;
    expect(tar.destroyed).toBe(true);
    await client.close();
    await proxy.idle();
    await proxy.close();
  });
});
