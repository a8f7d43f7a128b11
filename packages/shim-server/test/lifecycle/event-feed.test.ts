import { ContainerState } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { startEventFeed } from "../../src/state/event-feed.js";
import { openWorld, runPod, type World } from "./world.js";

const [main, side] = ["k8s_main_web_prod_u1_0", "k8s_side_web_prod_u1_0"] as const;

let world: World;
beforeEach(async () => {
  world = await openWorld();
  await runPod(world, ["main", "side"]);
  await world.settle();
  await heard();
  world.steps.forget();
});
afterEach(() => world.close());

/** Waits until all events so far were heard and what they name was read. */
async function heard(): Promise<void> {
  const { execExits, images, store } = world.parts;
  const labels = world.docker.containers.get(main).body.Labels;
  const marker = { execID: "marker", exitCode: "0", ...labels };
  world.docker.events.add("container", "exec_die", idOf(main), marker);
  await execExits.wait("marker", AbortSignal.timeout(60_000));
  // Each of these reads begins when those before it are over.
  await Promise.all(world.docker.containers.all().map(({ id }) => store.refresh(id)));
  await images.refresh();
}

/** Breaks the connection of the events. */
async function cut(): Promise<void> {
  world.docker.events.cut();
  await until(() => !world.feed.current);
}

const idOf = (name: string): string => world.docker.containers.get(name).id;
const stateOf = (name: string): ContainerState | undefined =>
  world.store.container(idOf(name))?.item.state;
const readsOf = (name: string): number =>
  world.steps.taken.filter((step) => step.startsWith(`GET /containers/${name}/json`)).length;

test("what happens to a container is known without a call of ours", async () => {
  const id = idOf(side);
  world.docker.containers.exit(main, 3);
  await until(() => stateOf(main) === ContainerState.CONTAINER_EXITED);
  expect(world.store.container(idOf(main))?.inspect.State.ExitCode).toBe(3);
  world.docker.containers.remove(side, true);
  await until(() => world.store.container(id) === undefined);
});

test("what the engine writes into a container's files is told, and what it reads is not", async () => {
  const written: string[] = [];
  const onWritten = (id: string): void => void written.push(id);
  const feed = startEventFeed({ ...world.parts, onSynced: () => undefined, onWritten });
  await feed.firstContact;
  const labels = { ...world.docker.containers.get(main).body.Labels };
  world.docker.events.add("container", "archive-path", idOf(main), labels);
  world.docker.events.add("container", "extract-to-dir", idOf(side), labels);
  await until(() => written.length > 0);
  expect(written).toEqual([idOf(side)]);
  await feed.stop();
});

test("any number of events while a container is read cost one more read", async () => {
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  world.steps.plan(`GET /containers/${main}/json`, { before: () => held });
  const { events } = world.docker;
  const labels = world.docker.containers.get(main).body.Labels;
  const pause = () => events.add("container", "pause", idOf(main), { ...labels });
  pause();
  await until(() => readsOf(main) === 1);
  for (let count = 0; count < 20; count++) pause();
  // An event of another container, which comes last, tells that all of them have arrived.
  world.docker.containers.exit(side, 0);
  await until(() => stateOf(side) === ContainerState.CONTAINER_EXITED);
  letGo();
  await until(() => readsOf(main) === 2);
  world.docker.containers.exit(main, 0);
  await until(() => stateOf(main) === ContainerState.CONTAINER_EXITED);
  expect(readsOf(main)).toBe(3);
});

test("events that tell nothing new, and those of others' containers, cost no read", async () => {
  const { events } = world.docker;
  const labels = world.docker.containers.get(main).body.Labels ?? {};
  for (const action of ["exec_create: sh", "attach", "top", "kill", "resize"]) {
    events.add("container", action, idOf(main), labels);
  }
  events.add("container", "die", "f".repeat(64), { name: "foreign" });
  await heard();
  const reads = world.steps.taken.filter((step) => step.startsWith("GET /containers/"));
  expect(reads.sort()).toEqual(
    world.docker.containers
      .all()
      .map(({ name }) => `GET /containers/${name}/json`)
      .sort(),
  );
});

test("what happened while the connection was broken is known once it is back", async () => {
  const followers = () => world.docker.server.requests.filter(({ path }) => path === "/events");
  const before = followers().length;
  const last = world.docker.containers.get(main);
  world.docker.events.hold();
  world.docker.containers.exit(main, 3);
  world.docker.containers.remove(side, true);
  world.docker.events.cut();
  // The events are still held: it is the comparison that finds out.
  await until(() => !("k8s_side_web_prod_u1_0" in world.known()));
  await until(() => stateOf(main) === ContainerState.CONTAINER_EXITED);
  await until(() => world.feed.current);
  expect(followers()).toHaveLength(before + 1);
  const since = Number(followers().at(-1)?.query.get("since"));
  // It asks for what it may have missed, with some overlap, and not for all there ever was.
  expect(since).toBeGreaterThan(Date.parse(last.created) / 1000 - 60);
  expect(since).toBeLessThanOrEqual(Date.parse(last.finishedAt) / 1000);
});

test("events that are told again after a reconnection are told once to the daemon", async () => {
  const { execExits } = world.parts;
  const labels = world.docker.containers.get(main).body.Labels ?? {};
  world.docker.events.add("container", "exec_die", idOf(main), {
    ...labels,
    execID: "e1",
    exitCode: "7",
  });
  const { signal } = new AbortController();
  expect(await execExits.wait("e1", signal)).toBe(7);
  await cut();
  await until(() => world.feed.current);
  await heard();
  // Replayed, and reported again, it would be there to be asked for.
  const again = AbortSignal.abort(new Error("nothing was reported"));
  await expect(execExits.wait("e1", again)).rejects.toThrow("nothing was reported");
});

test("the stores are not current until all was read, and whoever waits is let through then", async () => {
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  world.steps.plan("GET /containers/json", { before: () => held });
  world.docker.events.cut();
  await until(() => world.steps.taken.includes("GET /containers/json"));
  expect(world.feed.current).toBe(false);
  let through = false;
  const ready = world.feed.ready().then(() => {
    through = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(through).toBe(false);
  letGo();
  await ready;
  expect(world.feed.current).toBe(true);
});

test("a comparison that fails is tried again", async () => {
  world.steps.plan("GET /containers/json", { outcome: "refused" });
  await cut();
  await until(() => world.feed.current);
  expect(world.steps.taken).toContain("GET /containers/json (2)");
});

test("a container that cannot be read keeps neither the feed nor the others", async () => {
  world.steps.plan(`GET /containers/${main}/json`, { outcome: "refused" });
  world.docker.events.hold();
  world.docker.containers.exit(main, 3);
  world.docker.containers.exit(side, 0);
  await cut();
  await until(() => world.feed.current);
  expect(stateOf(side)).toBe(ContainerState.CONTAINER_EXITED);
  // The list knows as much of it.
  expect(stateOf(main)).toBe(ContainerState.CONTAINER_EXITED);
  expect(world.store.container(idOf(main))?.unread).toBe(true);
  await until(() => world.store.container(idOf(main))?.unread === false);
});

test("images that come and go are known, and so is another configuration of the engine", async () => {
  const { images, engine } = world.parts;
  const id = world.docker.images.add("nginx:1");
  await until(() => images.find("nginx:1")?.Id === id);
  world.docker.images.remove(id);
  await until(() => images.find("nginx:1") === undefined);
  const before = engine.known();
  world.docker.events.add("daemon", "reload", "engine", {});
  await until(() => engine.known() !== before);
});

test("an engine that is away makes calls fail, and first contact is that it is", async () => {
  await world.docker.close();
  await until(() => !world.feed.current);
  await expect(world.feed.ready()).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(/^Docker Engine is out of reach: /),
  });
  await world.feed.firstContact;
});

test("what no event told is found by the audit", async () => {
  const audited = await openWorld({ auditMs: 20 });
  try {
    await runPod(audited, ["main"]);
    audited.docker.events.hold();
    audited.docker.containers.exit(main, 0);
    const { id } = audited.docker.containers.get(main);
    await until(() => audited.store.container(id)?.item.state === ContainerState.CONTAINER_EXITED);
  } finally {
    await audited.close();
  }
});
