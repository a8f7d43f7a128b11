import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ContainerCreateBody, DockerClient, EngineEvent } from "../src/index.js";

/** An engine that the contract is tried on. */
export interface ContractEngine {
  readonly client: DockerClient;
  uniqueName(): string;
  /** Creates a container of an image that can sleep; it is removed at the end. */
  create(body?: ContainerCreateBody, name?: string): Promise<string>;
  end(): Promise<void>;
}

const sleeping = { Cmd: ["sleep", "1000"], StopTimeout: 0 };

/**
 * What our tests without an engine take for granted of one: they are worth as much as the engine
 * in memory behaves like Docker. It runs against both.
 */
export function describeEngine(open: () => Promise<ContractEngine>): void {
  let engine: ContractEngine;
  let containers: DockerClient["containers"];
  beforeAll(async () => {
    engine = await open();
    containers = engine.client.containers;
  });
  afterAll(() => engine.end());

  const stateOf = async (id: string) => (await containers.inspect(id)).State;

  test("a container goes from created to running to exited, and each change is made once", async () => {
    const name = engine.uniqueName();
    const id = await engine.create({ ...sleeping, Labels: { purpose: name } }, name);
    const never = "0001-01-01T00:00:00Z";
    expect(await stateOf(id)).toMatchObject({
      Status: "created",
      Running: false,
      Pid: 0,
      StartedAt: never,
      FinishedAt: never,
    });
    expect(await containers.stop(id)).toEqual({ changed: false });
    expect(await stateOf(id)).toMatchObject({ Status: "created" });
    expect(await containers.start(name)).toEqual({ changed: true });
    expect(await containers.start(id.slice(0, 12))).toEqual({ changed: false });
    const running = await containers.inspect(id);
    expect(running).toMatchObject({ Id: id, Name: `/${name}`, State: { Status: "running" } });
    expect(running.State.Pid).toBeGreaterThan(0);
    expect(running.ResolvConfPath).toContain(`${id}/resolv.conf`);
    const filters = { id: [id], label: [`purpose=${name}`] };
    expect(await containers.list({ filters })).toMatchObject([
      { Id: id, Names: [`/${name}`], State: "running", Labels: { purpose: name } },
    ]);

    expect(await containers.stop(id, { timeoutSeconds: 0 })).toEqual({ changed: true });
    expect(await containers.stop(id, { timeoutSeconds: 0 })).toEqual({ changed: false });
    expect(await stateOf(id)).toMatchObject({ Status: "exited", Pid: 0, ExitCode: 137 });
    expect(await containers.list({ filters })).toEqual([]);
    expect(await containers.list({ all: true, filters })).toMatchObject([{ State: "exited" }]);
    expect(await containers.list({ all: true, filters: { label: ["purpose=none"] } })).toEqual([]);
  });

  test("what is not there is not found", async () => {
    const id = "0".repeat(64);
    const notFound = { code: "not_found", engineMessage: `No such container: ${id}` };
    await expect(containers.inspect(id)).rejects.toMatchObject(notFound);
    await expect(containers.start(id)).rejects.toMatchObject(notFound);
    await expect(containers.stop(id)).rejects.toMatchObject(notFound);
    await expect(containers.remove(id, { force: true })).rejects.toMatchObject(notFound);
    await expect(containers.wait(id, { condition: "removed" })).rejects.toMatchObject(notFound);
    await expect(engine.create({ Image: "nowhere:1" })).rejects.toMatchObject({
      code: "not_found",
      engineMessage: expect.stringMatching(/no such image: (?:docker\.io\/library\/)?nowhere:1/i),
    });
    await expect(engine.client.images.inspect("nowhere:1")).rejects.toMatchObject({
      code: "not_found",
      engineMessage: expect.stringMatching(/no such image: (?:docker\.io\/library\/)?nowhere:1/i),
    });
  });

  test("a name is had once, and is free again when its holder has another or is gone", async () => {
    const [name, other] = [engine.uniqueName(), engine.uniqueName()];
    const id = await engine.create(sleeping, name);
    const second = await engine.create(sleeping);
    const taken = {
      code: "conflict",
      engineMessage: expect.stringContaining(`"/${name}" is already in use by container "${id}"`),
    };
    await expect(engine.create(sleeping, name)).rejects.toMatchObject(taken);
    await expect(containers.rename(second, name)).rejects.toMatchObject(taken);
    await containers.rename(id, other);
    expect(await containers.inspect(id)).toMatchObject({ Name: `/${other}` });
    await containers.rename(second, name);
    await containers.remove(second);
    await engine.create(sleeping, name);
  });

  test("what runs is killed and removed by force alone", async () => {
    const id = await engine.create(sleeping);
    const notRunning = { code: "conflict", engineMessage: expect.stringMatching(/not running/i) };
    await expect(containers.kill(id)).rejects.toMatchObject(notRunning);
    await containers.start(id);
    await expect(containers.remove(id)).rejects.toMatchObject({
      code: "conflict",
      engineMessage: expect.stringMatching(/running container|container is running/),
    });
    const { promise: waiting, resolve: onWaiting } = Promise.withResolvers<void>();
    const removed = containers.wait(id, { condition: "removed", onWaiting });
    await waiting;
    await containers.remove(id, { force: true });
    expect(await removed).toMatchObject({ StatusCode: 137 });
    await expect(containers.inspect(id)).rejects.toMatchObject({ code: "not_found" });
  });

  test("the network of a container that does not run cannot be joined", async () => {
    const owner = await engine.create(sleeping);
    const joined = { ...sleeping, HostConfig: { NetworkMode: `container:${owner}` } };
    const id = await engine.create(joined);
    await expect(containers.start(id)).rejects.toMatchObject({
      engineMessage: expect.stringMatching(
        /cannot join network (?:namespace )?of a non running container/,
      ),
    });
    expect(await stateOf(id)).toMatchObject({
      Status: "created",
      Running: false,
      ExitCode: 128,
      Error: expect.stringMatching(/non running container/),
    });
    await containers.start(owner);
    expect(await containers.start(id)).toEqual({ changed: true });
  });

  describe("events", () => {
    const filters = { type: ["container"] };
    const now = (): bigint => BigInt(Date.now()) * 1_000_000n;

    /** What happens to a container until it is gone. */
    async function lifeOf(id: string, since: bigint): Promise<EngineEvent[]> {
      const seen: EngineEvent[] = [];
      for await (const item of engine.client.events({ since, filters })) {
        if (item.kind !== "event" || item.event.Actor.ID !== id) continue;
        seen.push(item.event);
        if (item.event.Action === "destroy") break;
      }
      return seen;
    }

    test("tell a life, with labels and exit code, and again to who comes later", async () => {
      const begun = now();
      const labels = { purpose: "events" };
      const id = await engine.create({ ...sleeping, Labels: labels });
      const told = lifeOf(id, begun);
      await containers.start(id);
      await containers.stop(id, { timeoutSeconds: 0 });
      await containers.remove(id);
      const events = await told;
      const actions = events.map(({ Action }) => Action);
      expect(actions.slice(0, 3)).toEqual(["create", "start", "kill"]);
      // Which of the two is told first is chance.
      expect(actions.slice(-3, -1).sort()).toEqual(["die", "stop"]);
      for (const { Actor } of events) expect(Actor.Attributes).toMatchObject(labels);
      const died = events.find(({ Action }) => Action === "die");
      expect(died?.Actor.Attributes.exitCode).toBe("137");
      expect(await lifeOf(id, begun)).toEqual(events);
      const [third] = events.slice(2);
      expect(await lifeOf(id, third?.timeNano ?? 0n)).toEqual(events.slice(2));
    });
  });
}
