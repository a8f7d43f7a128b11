import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFakeNetwork, createSteps, startFakeDocker } from "@dockershim/testing";
import { type Handlers, openHandlers } from "../lifecycle/handlers.js";
import type { System, SystemEvent } from "./system.js";

/** The daemon's handlers on an engine and a network in memory. A kill is at the very step that it is planned for. */
export async function openMemorySystem(): Promise<System> {
  const root = mkdtempSync(join(tmpdir(), "model-"));
  const steps = createSteps();
  const docker = await startFakeDocker(steps);
  const network = createFakeNetwork(steps);
  const image = "busybox:1";
  docker.images.add(image);
  let events: SystemEvent[] = [];
  let handlers: Handlers;

  async function start(): Promise<void> {
    handlers = await openHandlers({ docker, network, root });
    const told: SystemEvent[] = [];
    events = told;
    void collect(handlers, told);
  }

  async function kill(): Promise<void> {
    steps.kill();
    docker.events.cut();
    await handlers.close();
    steps.revive();
  }

  await start();
  return {
    get calls() {
      return handlers.calls;
    },
    get events() {
      return events;
    },
    logs: join(root, "pods"),
    image,
    labels: {},
    truth: async () =>
      Object.fromEntries(docker.containers.all().map(({ id, status }) => [id, status])),
    attached: async () => [...network.held],
    killBehind: async (id) => docker.containers.kill(id, "KILL"),
    removeBehind: async (id) => docker.containers.remove(id, true),
    async restart(meanwhile) {
      await handlers.close();
      await meanwhile();
      await start();
    },
    async unheard(act) {
      docker.events.hold();
      await act();
      docker.events.cut();
      return () => docker.events.release();
    },
    async crash(during, at) {
      steps.kill(at);
      await during().catch(() => undefined);
      await kill();
      await start();
    },
    async close() {
      await handlers.close();
      await docker.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

async function collect({ events }: Handlers, told: SystemEvent[]): Promise<void> {
  const { signal } = new AbortController();
  try {
    for await (const event of events.subscribe({}, { signal })) told.push(event);
  } catch {
    // The daemon ends.
  }
}
