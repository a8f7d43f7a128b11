import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { createDockerClient } from "@dockershim/docker-client";
import { type Daemon, labFlags, labVariable, startDaemon } from "@dockershim/testing";
import { removeContainersOf } from "../node-remains.js";
import type { System, SystemEvent } from "./system.js";

/** How long a step of a call takes about, in ms: a kill comes after so many of them. */
const stepMs = 8;

/**
 * A daemon as a process of its own on the lab's engine and network. A kill is with SIGKILL, and at a
 * time instead of at a step.
 */
export async function openEngineSystem(): Promise<System> {
  const dir = mkdtempSync(join(tmpdir(), "model-"));
  const root = join(dir, "root");
  const endpoint = labVariable("LAB_DOCKER_ENDPOINT");
  const docker = createDockerClient({ endpoint });
  const run = randomBytes(4).toString("hex");
  let events: SystemEvent[] = [];
  let daemon: Daemon;
  let cri: CriClient;

  async function start(): Promise<void> {
    daemon = await startDaemon({
      listen: `unix://${join(dir, "shim.sock")}`,
      flags: {
        ...labFlags({
          LAB_DOCKER_ENDPOINT: endpoint,
          LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
          LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
        }),
        "root-dir": root,
        "log-level": "error",
      },
    });
    cri = createCriClient({ endpoint: daemon.endpoint });
    const told: SystemEvent[] = [];
    events = told;
    void collect(cri, told);
  }

  await start();
  return {
    get calls() {
      return cri.runtime;
    },
    get events() {
      return events;
    },
    logs: join(dir, "logs"),
    image: labVariable("LAB_IMAGE"),
    labels: { run },
    async truth() {
      const label = [`run=${run}`];
      const listed = await docker.containers.list({ all: true, filters: { label } });
      return Object.fromEntries(listed.map(({ Id, State }) => [Id, State]));
    },
    async attached() {
      const results = join(root, "cni", "results");
      const files = existsSync(results) ? readdirSync(results) : [];
      return files.map((name) => /[\da-f]{64}/.exec(name)?.[0] ?? name);
    },
    killBehind: (id) => docker.containers.kill(id),
    removeBehind: (id) => docker.containers.remove(id, { force: true }),
    async restart(meanwhile) {
      cri.close();
      await daemon.stop();
      await meanwhile();
      await start();
    },
    async crash(during, { steps, when }) {
      const call = during().catch(() => undefined);
      await delay(stepMs * (steps + (when === "after" ? 0.5 : 0)));
      await daemon.kill();
      await call;
      cri.close();
      await start();
    },
    async close() {
      cri.close();
      await daemon.stop();
      await removeContainersOf(docker, run);
      await docker.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function collect({ runtime }: CriClient, told: SystemEvent[]): Promise<void> {
  try {
    for await (const event of runtime.getContainerEvents({})) told.push(event);
  } catch {
    // The daemon ends.
  }
}
