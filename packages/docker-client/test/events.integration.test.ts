import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { imageTarOf } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createDockerClient, type DockerClient, type EventStreamItem } from "../src/index.js";
import { type LabEngine, openLabEngine } from "./lab-engine.js";
import { startSocketProxy } from "./socket-proxy.js";

let lab: LabEngine;

beforeAll(() => {
  lab = openLabEngine();
});

afterAll(() => lab.end());

/** Takes items until one satisfies the condition. */
async function take(
  items: AsyncIterator<EventStreamItem>,
  until: (item: EventStreamItem) => boolean,
): Promise<EventStreamItem[]> {
  const taken: EventStreamItem[] = [];
  for (;;) {
    const { value, done } = await items.next();
    if (done) throw new Error("the event stream ended");
    taken.push(value);
    if (until(value)) return taken;
  }
}

function actions(items: EventStreamItem[], id: string): string[] {
  return items.flatMap((item) =>
    item.kind === "event" && item.event.Actor.ID === id ? [item.event.Action] : [],
  );
}

describe("events", () => {
  test("tell the life of a container in order, from the moment of `connected` on", async () => {
    const ending = new AbortController();
    const items = lab.client
      .events({ signal: ending.signal, filters: { type: ["container"] } })
      [Symbol.asyncIterator]();
    expect((await items.next()).value).toMatchObject({ kind: "connected", reconnected: false });
    const id = await lab.create({ Cmd: ["true"], Labels: { color: "red" } });
    await lab.client.containers.start(id);
    await lab.client.containers.wait(id);
    await lab.client.containers.remove(id);
    const seen = await take(
      items,
      (item) =>
        item.kind === "event" && item.event.Action === "destroy" && item.event.Actor.ID === id,
    );
    expect(actions(seen, id)).toEqual(["create", "start", "die", "destroy"]);
    const die = seen.find(
      (item) => item.kind === "event" && item.event.Action === "die" && item.event.Actor.ID === id,
    );
    expect(die).toMatchObject({
      event: { Type: "container", Actor: { Attributes: { color: "red", exitCode: "0" } } },
    });
    ending.abort();
    expect((await items.next()).done).toBe(true);
  });

  test("come without loss and without doubles over cut connections", async () => {
    const proxy = await startSocketProxy(lab.endpoint);
    const client = createDockerClient({ endpoint: proxy.endpoint });
    const ending = new AbortController();
    const items = client
      .events({
        signal: ending.signal,
        filters: { type: ["container"], event: ["create"] },
        reconnectDelayMs: 1,
      })
      [Symbol.asyncIterator]();
    await items.next();
    const ids: string[] = [];
    let creating = true;
    const creations = (async () => {
      for (let i = 0; i < 40; i++) {
        ids.push(await lab.create());
        if (i % 5 === 4) proxy.cut();
      }
      creating = false;
    })();
    const seen: string[] = [];
    let outages = 0;
    await take(items, (item) => {
      if (item.kind === "event") seen.push(item.event.Actor.ID);
      else if (item.kind === "disconnected") outages++;
      return !creating && seen.includes(ids.at(-1) ?? "");
    });
    await creations;
    const ours = seen.filter((id) => ids.includes(id));
    expect(ours).toEqual(ids);
    expect(outages).toBeGreaterThan(1);
    ending.abort();
    await client.close();
    await proxy.close();
  });
});

describe("an image with 5 MiB of labels", () => {
  test.each([
    ["one", 1],
    ["many", 50_000],
  ])("in %s of them costs no event, its own and its containers' included", async (_name, count) => {
    const reference = `test.invalid/${lab.uniqueName()}:v1`;
    const each = Math.ceil((5 * 1024 * 1024) / count);
    const labels = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`label-${i}`, "x".repeat(each)]),
    );
    const proxy = await startSocketProxy(lab.endpoint);
    const client = createDockerClient({ endpoint: proxy.endpoint });
    const ending = new AbortController();
    const items = client
      .events({
        signal: ending.signal,
        filters: { type: ["container", "image"] },
        reconnectDelayMs: 1,
      })
      [Symbol.asyncIterator]();
    await items.next();
    await lab.client.images.load(imageTarOf(reference, labels));
    const image = await lab.client.images.inspect(reference);
    const id = await lab.create({ Image: reference });
    await lab.client.containers.remove(id);
    await lab.client.images.remove(reference);
    const isLast = (item: EventStreamItem) =>
      item.kind === "event" && item.event.Action === "delete" && item.event.Actor.ID === image.Id;
    const seen = await take(items, isLast);
    expect(seen.filter(({ kind }) => kind !== "event")).toEqual([]);
    expect(actions(seen, id)).toEqual(["create", "destroy"]);
    expect(actions(seen, image.Id)).toEqual(expect.arrayContaining(["untag", "delete"]));
    const created = seen.find((item) => item.kind === "event" && item.event.Actor.ID === id);
    expect(created).toMatchObject({ event: { abridged: true, timeNano: expect.any(BigInt) } });

    // A new connection replays the last second. What comes next is not what was there before.
    proxy.cut();
    await take(items, (item) => item.kind === "connected");
    const next = await lab.create();
    const replayed = await take(
      items,
      (item) => item.kind === "event" && item.event.Actor.ID === next,
    );
    expect(actions(replayed, id)).toEqual([]);
    ending.abort();
    await client.close();
    await proxy.close();
  });
});

describe("an engine of our own that restarts", () => {
  let folder: string;
  let engine: ChildProcess | undefined;
  let client: DockerClient;
  let program: string | undefined;

  beforeAll(async () => {
    program = await findProgram("dockerd");
    folder = await mkdtemp(join(tmpdir(), "dockerd-restart-"));
    client = createDockerClient({ endpoint: `unix://${folder}/docker.sock` });
    // Older engines keep a key in /etc/docker otherwise; newer ones refuse the option.
    const { stdout } = spawnSync(program ?? "dockerd", ["--version"], { encoding: "utf8" });
    const engineIsOld = / version 20\./.test(stdout);
    const config = {
      hosts: [client.endpoint],
      "data-root": join(folder, "data"),
      "exec-root": join(folder, "exec"),
      pidfile: join(folder, "docker.pid"),
      bridge: "none",
      iptables: false,
      "ip-forward": false,
      "storage-driver": "vfs",
      ...(engineIsOld ? { "deprecated-key-path": join(folder, "key.json") } : { ip6tables: false }),
    };
    await writeFile(join(folder, "daemon.json"), JSON.stringify(config));
  });

  afterAll(async () => {
    await client.close();
    await stopEngine("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  });

  async function startEngine(): Promise<void> {
    engine = spawn(program ?? "dockerd", ["--config-file", join(folder, "daemon.json")], {
      stdio: "ignore",
    });
    await once(engine, "spawn");
  }

  async function stopEngine(signal: NodeJS.Signals): Promise<void> {
    if (engine !== undefined && engine.exitCode === null && engine.signalCode === null) {
      const exit = once(engine, "exit");
      engine.kill(signal);
      await exit;
    }
    engine = undefined;
  }

  test("is waited for, followed over a restart, and its new events are seen", async () => {
    if (program === undefined || process.getuid?.() !== 0) {
      throw new Error("this test needs dockerd on the PATH, and root");
    }
    const ending = new AbortController();
    const items = client.events({ signal: ending.signal })[Symbol.asyncIterator]();
    const first = items.next();
    expect((await first).value).toMatchObject({
      kind: "disconnected",
      error: { code: "unavailable", message: expect.stringContaining(folder) },
    });
    await startEngine();
    expect((await items.next()).value).toMatchObject({ kind: "connected", reconnected: false });
    await stopEngine("SIGTERM");
    const [outage] = (await take(items, ({ kind }) => kind === "disconnected")).slice(-1);
    expect(outage).toMatchObject({ error: { code: "unavailable" } });
    await expect(client.containers.list()).rejects.toMatchObject({ code: "unavailable" });
    await startEngine();
    await take(items, (item) => item.kind === "connected" && item.reconnected);
    const tar = await lab.client.images.save([lab.image]);
    const [loaded = ""] = await client.images.load(tar);
    await client.images.tag(loaded, { repo: "test.invalid/after-restart", tag: "v1" });
    await take(
      items,
      (item) =>
        item.kind === "event" &&
        item.event.Action === "tag" &&
        item.event.Actor.Attributes.name === "test.invalid/after-restart:v1",
    );
    ending.abort();
    expect((await items.next()).done).toBe(true);
  });
});

async function findProgram(name: string): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  for (const candidate of folders.map((folder) => join(folder, name))) {
    try {
      await access(candidate);
      return candidate;
    } catch {
      // Look on.
    }
  }
  return undefined;
}
