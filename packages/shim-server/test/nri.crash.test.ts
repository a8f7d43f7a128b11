import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { ContainerState } from "@dockershim/cri-types";
import { createDockerClient } from "@dockershim/docker-client";
import { type PluginHandlers, startPlugin } from "@dockershim/nri";
import { type Daemon, labFlags, labVariable, startDaemon, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";

// In each hook the daemon is killed with -9. Afterwards another one on the same root directory is asked again, as a
// kubelet asks, and the plugin connects again. In the end the plugin knows of nothing that is not there.

const run = randomBytes(4).toString("hex");
const dir = mkdtempSync(join(tmpdir(), "nri-crash-"));
const socket = join(dir, "nri.sock");
const engine = createDockerClient({ endpoint: labVariable("LAB_DOCKER_ENDPOINT") });
let daemon: Daemon;
let cri: CriClient;

const start = () =>
  startDaemon({
    listen: `unix://${join(dir, "shim.sock")}`,
    flags: {
      "root-dir": join(dir, "root"),
      "log-level": "warn",
      "nri-socket": socket,
      "nri-plugin-dir": join(dir, "none"),
      "nri-registration-timeout": "1m",
      "nri-request-timeout": "1m",
      ...labFlags({
        LAB_DOCKER_ENDPOINT: labVariable("LAB_DOCKER_ENDPOINT"),
        LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
        LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
      }),
    },
  });

beforeAll(async () => {
  daemon = await start();
  cri = createCriClient({ endpoint: daemon.endpoint });
});
afterAll(async () => {
  await daemon.stop();
  await engine.close();
  rmSync(dir, { recursive: true, force: true });
});

const events = [
  "runPodSandbox",
  "createContainer",
  "postCreateContainer",
  "startContainer",
  "postStartContainer",
  "updateContainer",
  "postUpdateContainer",
  "stopContainer",
  "removeContainer",
  "stopPodSandbox",
  "removePodSandbox",
] as const;
type EventName = (typeof events)[number];

interface Told {
  readonly pod?: { readonly id: string } | undefined;
  readonly container?: { readonly id: string } | undefined;
}

/** A plugin that comes back whenever the daemon has gone, and knows what it has been told of. */
interface Follower {
  readonly known: ReadonlySet<string>;
  readonly joined: number;
  leave(): void;
}

/** @param onEvent Called before the plugin replies. */
function follow(onEvent: (event: EventName) => Promise<void>): Follower {
  const known = new Set<string>();
  let joined = 0;
  let gone = false;
  let close = (): void => undefined;
  const handlers: Record<string, unknown> = {
    synchronize({ pods, containers }: { pods: { id: string }[]; containers: { id: string }[] }) {
      known.clear();
      for (const { id } of [...pods, ...containers]) known.add(id);
      joined++;
      return [];
    },
  };
  for (const event of events) {
    handlers[event] = async ({ pod, container }: Told) => {
      const id = container?.id ?? pod?.id ?? "";
      if (event === "runPodSandbox" || event === "createContainer") known.add(id);
      if (event.startsWith("remove")) known.delete(id);
      await onEvent(event);
      return {};
    };
  }
  async function attend(): Promise<void> {
    while (!gone) {
      const connection = connect(socket);
      connection.on("error", () => undefined);
      const identity = { index: "10", name: "follower" };
      const plugin = await startPlugin(connection, identity, handlers as PluginHandlers).catch(
        () => undefined,
      );
      close = () => plugin?.close();
      if (gone) close();
      await plugin?.ended;
      await new Promise((done) => setTimeout(done, 20));
    }
  }
  void attend();
  return {
    known,
    get joined() {
      return joined;
    },
    leave() {
      gone = true;
      close();
    },
  };
}

/** A pod's life, as a kubelet that asks until it is answered has it. */
async function live(name: string, retry: <T>(call: () => Promise<T>) => Promise<T>): Promise<void> {
  const { runtime } = cri;
  const sandboxConfig = {
    metadata: { name, namespace: "crash", uid: `${run}-${name}`, attempt: 0 },
    logDirectory: join(dir, "logs", name),
    labels: { run },
    linux: {},
  };
  const { podSandboxId } = await retry(() => runtime.runPodSandbox({ config: sandboxConfig }));
  const config = {
    metadata: { name: "main", attempt: 0 },
    image: { image: labVariable("LAB_IMAGE") },
    command: ["sleep", "3600"],
    logPath: "main.log",
    labels: { run },
    linux: {},
  };
  const { containerId } = await retry(() =>
    runtime.createContainer({ podSandboxId, sandboxConfig, config }),
  );
  await retry(async () => {
    // A kubelet that finds it running does not start it again.
    const { status } = await runtime.containerStatus({ containerId });
    if (status?.state === ContainerState.CONTAINER_RUNNING) return;
    await runtime.startContainer({ containerId });
  });
  await retry(() => runtime.updateContainerResources({ containerId, linux: { cpuShares: 512n } }));
  await retry(() => runtime.stopContainer({ containerId, timeout: 0n }));
  await retry(() => runtime.removeContainer({ containerId }));
  await retry(() => runtime.stopPodSandbox({ podSandboxId }));
  await retry(() => runtime.removePodSandbox({ podSandboxId }));
}

test.each(events)("a daemon killed in %s: nothing is lost, and nothing stays", async (fatal) => {
  let killed: Promise<void> | undefined;
  const reached: EventName[] = [];
  const follower = follow(async (event) => {
    reached.push(event);
    if (event !== fatal || killed !== undefined) return;
    killed = daemon.kill();
    await killed;
  });
  await until(() => follower.joined === 1);

  async function retry<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (err) {
      // Any other failure is one of the test.
      if (killed === undefined || follower.joined > 1) throw err;
      await killed;
      daemon = await start();
      await until(() => follower.joined === 2);
      return await call();
    }
  }

  await live(fatal.toLowerCase(), retry);
  expect(reached).toContain(fatal);
  expect(follower.joined).toBe(2);
  // The ends of what a first try left are told behind the calls.
  await until(() => follower.known.size === 0);
  const left = await engine.containers.list({ all: true, filters: { label: [`run=${run}`] } });
  expect(left).toEqual([]);
  follower.leave();
});
