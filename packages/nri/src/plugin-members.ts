import type { Duplex } from "node:stream";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createGate } from "./gate.js";
import {
  ContainerSchema,
  type ContainerUpdate,
  Plugin as PluginService,
  PodSandboxSchema,
  type UpdateContainersRequest,
  UpdateContainersRequestSchema,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
import {
  findPlugins,
  type LaunchedPlugin,
  launchPlugin,
  type PluginFile,
} from "./launched-plugins.js";
import { NriError } from "./nri-error.js";
import type { NriObserver } from "./observer.js";
import { openPlugin, type Plugin } from "./plugin.js";
import { listenForPlugins, type PluginSocket } from "./plugin-socket.js";

/** All that a runtime has. */
export interface HostInventory {
  readonly pods: readonly MessageInitShape<typeof PodSandboxSchema>[];
  readonly containers: readonly MessageInitShape<typeof ContainerSchema>[];
}

/** How plugins are found and called, and what a runtime has for them. */
export interface PluginHostOptions {
  /** As plugins are told: who calls them. */
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  /** Where plugins connect; without it they cannot. */
  readonly socketPath?: string;
  /** Folder of plugins that are started here. Default /opt/nri/plugins. */
  readonly pluginDir?: string;
  /** Folder of their configuration. Default /etc/nri/conf.d. */
  readonly configDir?: string;
  /** How long a plugin may take to register, and to be told of all there is, in ms. Default 5,000. */
  readonly registrationTimeoutMs?: number;
  /** How long a plugin may take to reply to a call, in ms. Default 2,000. */
  readonly requestTimeoutMs?: number;
  /** How long plugins have for their end, in ms. Default 500. */
  readonly shutdownTimeoutMs?: number;
  /** All pods and containers that there are, for a plugin that comes. */
  readonly inventory: () => Promise<HostInventory>;
  /**
   * Does what a plugin asks for at a time of its own choice.
   *
   * @returns The updates that failed.
   */
  readonly update: (plugin: string, request: UpdateContainersRequest) => Promise<ContainerUpdate[]>;
  readonly observer: NriObserver;
}

/** The plugins of a node, as they come and go. */
export interface PluginMembers {
  /** Those that are connected and know of all there is, in the order in which they are called. */
  readonly all: readonly Plugin[];
  /** Settles once the plugins that are started here are in, or could not be. Never rejects. */
  readonly launched: Promise<void>;
  /** Keeps new ones out until the function it returns is called; see {@link PluginHost.hold}. */
  hold(signal: AbortSignal): Promise<() => void>;
  /** Ends one that cannot be gone on with. */
  drop(plugin: Plugin, reason: NriError): void;
  /** Tells all that the runtime ends, ends those that were started here, and listens no longer. */
  close(): Promise<void>;
}

/**
 * Listens for plugins, and begins to start those of the node.
 *
 * @throws NriError `socket_in_use`; the system's error when the socket cannot be made.
 */
export async function openPluginMembers(options: PluginHostOptions): Promise<PluginMembers> {
  const {
    pluginDir = "/opt/nri/plugins",
    configDir = "/etc/nri/conf.d",
    registrationTimeoutMs = 5_000,
    requestTimeoutMs = 2_000,
    shutdownTimeoutMs = 500,
    socketPath,
    observer,
  } = options;
  const pluginOptions = {
    runtimeName: options.runtimeName,
    runtimeVersion: options.runtimeVersion,
    registrationTimeoutMs,
    requestTimeoutMs,
    onUpdate: options.update,
  };
  let plugins: readonly Plugin[] = [];
  const processes = new Set<LaunchedPlugin>();
  const gate = createGate();
  let closing = false;

  function setPlugins(next: readonly Plugin[]): void {
    plugins = [...next].sort((a, b) => Number(a.index) - Number(b.index));
    observer.connected?.(plugins.map(({ id }) => id));
  }

  /** Ends a plugin that cannot be gone on with. */
  function drop(plugin: Plugin, reason: NriError): void {
    plugin.end(reason);
    if (!plugins.includes(plugin)) return;
    setPlugins(plugins.filter((other) => other !== plugin));
    if (closing) return;
    observer.log("warn", "an NRI plugin is gone; containers go on without it", {
      plugin: plugin.id,
      reason: reason.message,
    });
  }

  /** Takes a plugin in once it knows of all there is. */
  async function admit(plugin: Plugin): Promise<void> {
    const updates = await gate.alone(async () => {
      const { pods, containers } = await options.inventory();
      const wanted = await plugin.synchronize({
        pods: pods.map((pod) => create(PodSandboxSchema, pod)),
        containers: containers.map((container) => create(ContainerSchema, container)),
      });
      setPlugins([...plugins, plugin]);
      return wanted;
    });
    void plugin.ended.then((reason) => drop(plugin, reason));
    observer.log("info", "an NRI plugin is connected", { plugin: plugin.id });
    if (updates.length === 0) return;
    const request = create(UpdateContainersRequestSchema, { update: updates });
    const failed = await options.update(plugin.id, request);
    for (const { containerId, ignoreFailure } of failed) {
      if (ignoreFailure) continue;
      observer.log("warn", "an update that an NRI plugin wants failed", {
        plugin: plugin.id,
        container: containerId,
      });
    }
  }

  async function join(socket: Duplex, launched?: PluginFile): Promise<Plugin | undefined> {
    let plugin: Plugin | undefined;
    try {
      plugin = await openPlugin(socket, { ...pluginOptions, ...(launched && { launched }) });
      await admit(plugin);
      return plugin;
    } catch (reason) {
      const error = NriError.from(reason, "protocol_error");
      plugin?.end(error);
      if (!closing) {
        observer.log("warn", "an NRI plugin could not join", {
          plugin: plugin?.id ?? launched?.path ?? "unnamed",
          reason: error.message,
        });
      }
      return undefined;
    }
  }

  async function launch(file: PluginFile): Promise<void> {
    let process: LaunchedPlugin;
    try {
      process = await launchPlugin(file, observer);
    } catch (err) {
      observer.log("warn", "an NRI plugin could not be started", { path: file.path, err });
      return;
    }
    processes.add(process);
    if (closing) return await process.kill();
    const plugin = await join(process.socket, file);
    // Known until it has ended, for the host's own end waits for it.
    const gone = async () => {
      await process.kill();
      processes.delete(process);
    };
    if (plugin === undefined) await gone();
    else void plugin.ended.then(gone);
  }

  let socket: PluginSocket | undefined;
  if (socketPath !== undefined) {
    socket = await listenForPlugins(socketPath, (connection) => void join(connection));
  }
  async function launchAll(): Promise<void> {
    try {
      const files = await findPlugins(pluginDir, configDir, observer);
      await Promise.all(files.map(launch));
    } catch (err) {
      observer.log("warn", "NRI plugins could not be looked for", { path: pluginDir, err });
    }
  }

  return {
    get all() {
      return plugins;
    },
    launched: launchAll(),
    hold: gate.enter,
    drop,
    async close() {
      closing = true;
      const over = new NriError("closed", "the runtime ends");
      await Promise.all(
        plugins.map(async (plugin) => {
          await plugin
            .call(PluginService.method.shutdown, {}, shutdownTimeoutMs)
            .catch(() => undefined);
          plugin.end(over);
        }),
      );
      await Promise.all([socket?.close(), ...[...processes].map((process) => process.kill())]);
    },
  };
}
