import type { Duplex } from "node:stream";
import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { eventsOf, hasEvent } from "./event-mask.js";
import {
  type ContainerUpdate,
  type Event,
  Plugin as PluginService,
  Runtime,
  type UpdateContainersRequest,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
import { type Link, openLink } from "./link.js";
import { pluginConnection, runtimeConnection } from "./mux.js";
import { NriError } from "./nri-error.js";
import { identityProblem, type PluginIdentity, pluginId } from "./plugin-name.js";
import { type Inventory, syncChunks } from "./sync-chunks.js";
import { grpcStatus, method } from "./ttrpc-server.js";

/** A plugin that has registered and said what it wants to be told. */
export interface Plugin extends PluginIdentity {
  /** INDEX-NAME. */
  readonly id: string;
  wants(event: Event): boolean;
  /**
   * Calls it.
   *
   * @throws NriError like {@link Link.call}, with the plugin's name.
   */
  call<I extends DescMessage, O extends DescMessage>(
    desc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    timeoutMs?: number,
  ): Promise<MessageShape<O>>;
  /** Tells it of all there is. @returns What it wants changed. */
  synchronize(inventory: Inventory): Promise<ContainerUpdate[]>;
  /** Ends the connection. */
  end(reason: NriError): void;
  readonly ended: Promise<NriError>;
}

/** What a plugin is told of the runtime, and what it may ask of it. */
export interface PluginOptions {
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  /** How long it may take to register, and to be told of all there is, in ms. */
  readonly registrationTimeoutMs: number;
  /** How long it may take to reply to a call, in ms. */
  readonly requestTimeoutMs: number;
  /** Of a plugin that was launched: who it is, and its configuration. It names itself otherwise. */
  readonly launched?: { readonly identity: PluginIdentity; readonly config: string };
  /** Answers its calls for updates. @returns Those that failed. */
  readonly onUpdate: (
    plugin: string,
    request: UpdateContainersRequest,
  ) => Promise<ContainerUpdate[]>;
}

/** The version of NRI that is spoken here. */
const nriVersion = "v0.12.3";

/**
 * Waits for a plugin at the other end of a socket to register, and configures it.
 *
 * @throws NriError when it does not register in time or with an impossible name, or asks for an
 * event that there is none of. The socket has ended then.
 */
export async function openPlugin(socket: Duplex, options: PluginOptions): Promise<Plugin> {
  const { registrationTimeoutMs, requestTimeoutMs, launched } = options;
  const registered = Promise.withResolvers<PluginIdentity>();
  let id: string | undefined = launched && pluginId(launched.identity);

  const link = openLink(socket, pluginConnection, runtimeConnection, [
    method(Runtime.method.registerPlugin, ({ pluginName, pluginIdx }) => {
      const identity = launched?.identity ?? { index: pluginIdx, name: pluginName };
      const problem = identityProblem(identity);
      if (problem !== undefined) {
        const error = new NriError("invalid_request", `a plugin's ${problem}`, {
          status: grpcStatus.invalidArgument,
        });
        // The plugin is told first.
        setImmediate(() => registered.reject(error));
        throw error;
      }
      registered.resolve(identity);
      return {};
    }),
    method(Runtime.method.updateContainers, async (request) => {
      if (id === undefined) throw new NriError("invalid_request", "the plugin has not registered");
      return { failed: await options.onUpdate(id, request) };
    }),
  ]);
  const timer = setTimeout(
    () =>
      registered.reject(new NriError("timeout", `not registered in ${registrationTimeoutMs} ms`)),
    registrationTimeoutMs,
  );
  void link.ended.then((reason) => registered.reject(reason));

  try {
    const identity = await registered.promise;
    id = pluginId(identity);
    const call = named(link.call, id, requestTimeoutMs);
    const { events: mask } = await call(PluginService.method.configure, {
      config: launched?.config ?? "",
      runtimeName: options.runtimeName,
      runtimeVersion: options.runtimeVersion,
      registrationTimeout: BigInt(registrationTimeoutMs),
      requestTimeout: BigInt(requestTimeoutMs),
      NRIVersion: nriVersion,
    });
    const events = eventsOf(mask);
    if (events === undefined) {
      throw new NriError("invalid_request", `${id} asks for events 0x${(mask >>> 0).toString(16)}`);
    }
    return {
      ...identity,
      id,
      wants: (event) => hasEvent(events, event),
      call,
      synchronize: (inventory) => synchronize(call, id ?? "", inventory, registrationTimeoutMs),
      end: link.end,
      ended: link.ended,
    };
  } catch (reason) {
    const error = NriError.from(reason, "protocol_error");
    link.end(error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Puts the plugin's name into the errors of its calls. */
function named(call: Link["call"], plugin: string, defaultMs: number): Plugin["call"] {
  return async (desc, request, timeoutMs = defaultMs) => {
    try {
      return await call(desc, request, timeoutMs);
    } catch (reason) {
      const error = NriError.from(reason, "protocol_error");
      throw new NriError(error.code, `NRI plugin ${plugin}: ${desc.name}: ${error.message}`, {
        plugin,
        status: error.status,
        cause: error,
      });
    }
  };
}

async function synchronize(
  call: Plugin["call"],
  id: string,
  inventory: Inventory,
  timeoutMs: number,
): Promise<ContainerUpdate[]> {
  const chunks = syncChunks(inventory);
  for (const [at, { pods, containers }] of chunks.entries()) {
    const more = at < chunks.length - 1;
    const reply = await call(
      PluginService.method.synchronize,
      { pods: [...pods], containers: [...containers], more },
      timeoutMs,
    );
    if (!more) return reply.update;
    if (!reply.more || reply.update.length > 0) {
      throw new NriError(
        "invalid_request",
        `NRI plugin ${id} cannot be told of ${inventory.containers.length} containers: ` +
          `it does not take them in several messages`,
        { plugin: id },
      );
    }
  }
  return [];
}
