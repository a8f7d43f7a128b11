import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { until } from "@dockershim/testing";
import {
  type Container,
  ContainerSchema,
  type Inventory,
  type PluginHandlers,
  type PluginHost,
  type PluginHostOptions,
  type PodSandbox,
  PodSandboxSchema,
  type RunningPlugin,
  startPlugin,
  startPluginHost,
} from "../src/index.js";

/** A host on a socket of its own, and what it has told its observer. */
export interface Rig {
  readonly host: PluginHost;
  readonly folder: string;
  readonly socketPath: string;
  readonly logged: string[];
  readonly called: string[];
  /** Connects a plugin, and waits until the host has taken it in. */
  connect(id: string, handlers: PluginHandlers): Promise<RunningPlugin>;
  close(): Promise<void>;
}

export const pod: PodSandbox = create(PodSandboxSchema, { id: "p1", name: "web", namespace: "ns" });
export const container: Container = create(ContainerSchema, {
  id: "c1",
  podSandboxId: "p1",
  name: "app",
  env: ["PATH=/bin", "MODE=slow"],
  args: ["run"],
  mounts: [{ destination: "/data", type: "bind", source: "/srv" }],
});

export async function startRig(
  options: Partial<PluginHostOptions> & { readonly things?: Inventory } = {},
): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), "nri-"));
  const socketPath = join(folder, "nri", "nri.sock");
  const logged: string[] = [];
  const called: string[] = [];
  const host = await startPluginHost({
    runtimeName: "test",
    runtimeVersion: "1.2.3",
    socketPath,
    pluginDir: join(folder, "plugins"),
    configDir: join(folder, "conf.d"),
    inventory: async () => options.things ?? { pods: [], containers: [] },
    update: async () => [],
    // Nobody is late for want of processors.
    registrationTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
    shutdownTimeoutMs: 60_000,
    observer: {
      log: (level, message, fields) =>
        logged.push(`${level}: ${message} ${JSON.stringify(fields ?? {})}`),
      calling: (plugin, method) => (_ms, error) =>
        called.push(`${plugin} ${method} ${error ?? "ok"}`),
    },
    ...options,
  });
  await host.launched;
  return {
    host,
    folder,
    socketPath,
    logged,
    called,
    async connect(id, handlers) {
      const identity = { index: id.slice(0, 2), name: id.slice(3) };
      const plugin = await startPlugin(connect(socketPath), identity, handlers);
      await until(() => host.plugins.includes(id));
      return plugin;
    },
    async close() {
      await host.close();
      await rm(folder, { recursive: true });
    },
  };
}
