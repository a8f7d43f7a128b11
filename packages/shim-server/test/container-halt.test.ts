import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import { type FakeDocker, startFakeDocker, until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { destroyContainer, haltContainer } from "../src/engine-work/container-halt.js";
import type { StoreRecord } from "../src/state/records.js";

const { signal } = new AbortController();
let docker: FakeDocker;
let client: DockerClient;
let id: string;
/** What the store was told. */
let told: string[];

beforeEach(async () => {
  docker = await startFakeDocker();
  docker.images.add("busybox:1");
  client = createDockerClient({ endpoint: docker.endpoint });
  id = docker.containers.create("web", { Image: "busybox:1" }).id;
  docker.containers.start(id);
  told = [];
});
afterEach(async () => {
  await client.close();
  await docker.close();
});

const parts = () => ({
  docker: client,
  store: {
    refreshUntil: async (of: string, shows: (record: StoreRecord) => boolean) => {
      const { status: Status } = docker.containers.get(of);
      const shown = shows({ inspect: { State: { Status } } } as unknown as StoreRecord);
      told.push(`refresh ${of} until ${shown ? "ended" : "something else"}`);
    },
    forget: (of: string) => void told.push(`forget ${of}`),
  },
});

describe("halting", () => {
  test.each([
    [0, 137],
    [5, 143],
  ])("with %d s of grace ends the process, and has its state read", async (grace, exitCode) => {
    await haltContainer(parts(), id, grace, signal);
    expect(docker.containers.get(id)).toMatchObject({ status: "exited", exitCode });
    expect(docker.server.requests.at(-1)?.query.get("t")).toBe(String(grace));
    expect(told).toEqual([`refresh ${id} until ended`]);
  });

  test("is fine with what has ended, or is gone", async () => {
    docker.containers.exit(id, 0);
    await haltContainer(parts(), id, 0, signal);
    expect(docker.containers.get(id).exitCode).toBe(0);
    expect(told).toEqual([`refresh ${id} until ended`]);
    docker.containers.remove(id, true);
    await haltContainer(
      { ...parts(), store: { refreshUntil: async () => undefined } },
      id,
      0,
      signal,
    );
  });

  test("tells why the engine does not stop it", async () => {
    docker.steps.plan("POST /containers/web/stop", { outcome: "refused" });
    await expect(haltContainer(parts(), id, 0, signal)).rejects.toMatchObject({
      code: "server_error",
    });
  });
});

describe("destroying", () => {
  test("removes what runs, with its anonymous volumes, and has it forgotten", async () => {
    await destroyContainer(parts(), id, signal);
    expect(docker.containers.all()).toEqual([]);
    expect(docker.server.requests.at(-1)?.query.get("v")).toBe("true");
    expect(told).toEqual([`forget ${id}`]);
  });

  test("is fine with what is gone", async () => {
    docker.containers.remove(id, true);
    await destroyContainer(parts(), id, signal);
    expect(told).toEqual([`forget ${id}`]);
  });

  test("waits for a removal that somebody else began", async () => {
    docker.containers.beginRemoval(id);
    const destroying = destroyContainer(parts(), id, signal);
    await until(() => docker.steps.taken.includes("POST /containers/web/wait"));
    expect(told).toEqual([]);
    docker.containers.finishRemoval(id);
    await destroying;
    expect(told).toEqual([`forget ${id}`]);
  });

  test("is fine with a removal of somebody else's that is over before it can wait", async () => {
    docker.containers.beginRemoval(id);
    docker.steps.plan("POST /containers/web/wait", {
      before: () => docker.containers.finishRemoval(id),
    });
    await destroyContainer(parts(), id, signal);
    expect(told).toEqual([`forget ${id}`]);
  });

  test("waits for no removal longer than its caller", async () => {
    docker.containers.beginRemoval(id);
    const caller = new AbortController();
    docker.steps.plan("POST /containers/web/wait", { after: () => caller.abort() });
    await expect(destroyContainer(parts(), id, caller.signal)).rejects.toMatchObject({
      code: "canceled",
    });
    expect(told).toEqual([]);
  });

  test("tells why the engine does not remove it, and has nothing forgotten", async () => {
    docker.steps.plan("DELETE /containers/web", { outcome: "refused" });
    await expect(destroyContainer(parts(), id, signal)).rejects.toMatchObject({
      code: "server_error",
    });
    expect(told).toEqual([]);
  });
});
