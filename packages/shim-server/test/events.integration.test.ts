import { type ContainerEventResponse, ContainerEventType } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

let h: Harness;
beforeAll(async () => {
  h = await createHarness();
});
afterAll(() => h.close());

/** Reads events until the test has seen enough. */
function follow(): { events: ContainerEventResponse[]; stop(): Promise<void> } {
  const controller = new AbortController();
  const events: ContainerEventResponse[] = [];
  const reading = (async () => {
    const stream = h.cri.runtime.getContainerEvents({}, { signal: controller.signal });
    for await (const event of stream) events.push(event);
  })().catch(() => undefined);
  return {
    events,
    async stop() {
      controller.abort();
      await reading;
    },
  };
}

test("a pod's life comes as events in order, each with the state of the whole pod", async () => {
  const followers = [follow(), follow()];
  const marker = await h.runPod();
  await until(() => followers.every(({ events }) => events.length > 0));
  const { podSandboxId, containerId } = await h.runPod();
  await h.cri.runtime.stopContainer({ containerId, timeout: 0n });
  await h.cri.runtime.removePodSandbox({ podSandboxId });
  const ofPod = (events: ContainerEventResponse[]) =>
    events
      .filter((event) => [podSandboxId, containerId].includes(event.containerId))
      .map((event) => [
        event.containerId === podSandboxId ? "sandbox" : "container",
        ContainerEventType[event.containerEventType]?.split("_")[1],
      ]);
  const life = [
    ["sandbox", "CREATED"],
    ["sandbox", "STARTED"],
    ["container", "CREATED"],
    ["container", "STARTED"],
    ["container", "STOPPED"],
    ["sandbox", "STOPPED"],
    ["container", "DELETED"],
    ["sandbox", "DELETED"],
  ];
  for (const { events } of followers) {
    await until(() => ofPod(events).length >= life.length);
    expect(ofPod(events)).toEqual(life);
    const stamps = events.map(({ createdAt }) => createdAt);
    expect(stamps).toEqual([...stamps].sort((a, b) => (a < b ? -1 : 1)));
    for (const event of events) expect(event.podSandboxStatus?.metadata?.name).toMatch(/^pod-/);
    const started = events.find(
      (event) =>
        event.containerId === containerId &&
        event.containerEventType === ContainerEventType.CONTAINER_STARTED_EVENT,
    );
    expect(started?.containersStatuses.map(({ id }) => id)).toEqual([containerId]);
  }
  await Promise.all(followers.map(({ stop }) => stop()));
  await h.cri.runtime.removePodSandbox({ podSandboxId: marker.podSandboxId });
});

test("streaming lists hold what the lists hold, with the same filters", async () => {
  const { podSandboxId } = await h.runPod();
  async function all<T, I>(stream: AsyncIterable<T>, items: (message: T) => I[]): Promise<I[]> {
    const found: I[] = [];
    for await (const message of stream) found.push(...items(message));
    return found;
  }
  const { runtime, image } = h.cri;
  expect(await all(runtime.streamContainers({}), (m) => m.containers)).toEqual(
    (await runtime.listContainers({})).containers,
  );
  expect(await all(runtime.streamPodSandboxes({}), (m) => m.podSandboxes)).toEqual(
    (await runtime.listPodSandbox({})).items,
  );
  expect(await all(image.streamImages({}), (m) => m.images)).toEqual(
    (await image.listImages({})).images,
  );
  const filter = { podSandboxId };
  expect(await all(runtime.streamContainers({ filter }), (m) => m.containers)).toHaveLength(1);
  const none = { id: "f".repeat(64) };
  expect(await all(runtime.streamPodSandboxes({ filter: none }), (m) => m.podSandboxes)).toEqual(
    [],
  );
});
