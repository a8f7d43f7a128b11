import type { Duplex } from "node:stream";
import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { maskOf } from "./event-mask.js";
import {
  type ContainerUpdate,
  Event,
  Plugin as PluginService,
  Runtime,
  type UpdateContainersRequestSchema,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
import { openLink } from "./link.js";
import { pluginConnection, runtimeConnection } from "./mux.js";
import { NriError } from "./nri-error.js";
import type { PluginIdentity } from "./plugin-name.js";
import type { Inventory } from "./sync-chunks.js";
import { method, type TtrpcMethod } from "./ttrpc-server.js";

type Methods = typeof PluginService.method;

type Handler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
) => MessageInitShape<O> | Promise<MessageInitShape<O>>;

/** What a plugin does at each call. It asks to be told of the events that it has a function for. */
export type PluginHandlers = {
  [Name in Exclude<keyof Methods, "synchronize">]?: Handler<
    Methods[Name]["input"],
    Methods[Name]["output"]
  >;
} & {
  /** Given all that there is, in however many messages it came. @returns What is to be changed. */
  synchronize?: (inventory: Inventory) => ContainerUpdate[] | Promise<ContainerUpdate[]>;
};

/** A plugin that a runtime has taken in. */
export interface RunningPlugin {
  /** Asks for changes of containers. @returns The updates that failed. */
  update(
    request: MessageInitShape<typeof UpdateContainersRequestSchema>,
  ): Promise<ContainerUpdate[]>;
  /** Leaves the runtime. */
  close(): void;
  /** Resolves with why, once the connection has ended. Never rejects. */
  readonly ended: Promise<NriError>;
}

/** The methods of events, with the number of each. */
const eventOf: Readonly<Record<string, Event>> = Object.fromEntries(
  PluginService.methods.flatMap(({ name, localName }) => {
    const key = name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
    const event = Event[key as keyof typeof Event];
    return event === undefined ? [] : [[localName, event]];
  }),
);

/**
 * Runs a plugin over a socket: that of {@link PluginHostOptions.socketPath}, or the descriptor that a
 * plugin is launched with.
 *
 * @param timeoutMs How long the runtime may take to reply.
 * @throws NriError `call_failed` when the runtime refuses it; `timeout`; `closed`.
 */
export async function startPlugin(
  socket: Duplex,
  { index, name }: PluginIdentity,
  handlers: PluginHandlers,
  timeoutMs = 5_000,
): Promise<RunningPlugin> {
  const events = Object.keys(handlers).flatMap((key) => eventOf[key] ?? []);
  const parts: {
    pods: Inventory["pods"][number][];
    containers: Inventory["containers"][number][];
  } = {
    pods: [],
    containers: [],
  };
  const ordinary = Object.values(PluginService.method)
    .filter((desc) => desc.localName !== "synchronize")
    .map((each): TtrpcMethod => {
      const desc = each as DescMethodUnary<DescMessage, DescMessage>;
      const handle = handlers[desc.localName as keyof PluginHandlers] as
        | Handler<DescMessage, DescMessage>
        | undefined;
      if (desc.localName === "configure") {
        return method(desc, async (request) => ({
          events: maskOf(events),
          ...(await handle?.(request)),
        }));
      }
      return method(desc, (request) => handle?.(request) ?? {});
    });
  const synchronize = method(
    PluginService.method.synchronize,
    async ({ pods, containers, more }) => {
      parts.pods.push(...pods);
      parts.containers.push(...containers);
      if (more) return { more };
      return { update: (await handlers.synchronize?.(parts)) ?? [] };
    },
  );
  const link = openLink(socket, runtimeConnection, pluginConnection, [...ordinary, synchronize]);
  const close = () => link.end(new NriError("closed", "the plugin leaves"));
  try {
    const request = { pluginName: name, pluginIdx: index };
    await link.call(Runtime.method.registerPlugin, request, timeoutMs);
  } catch (err) {
    close();
    throw err;
  }
  return {
    async update(request) {
      return (await link.call(Runtime.method.updateContainers, request, timeoutMs)).failed;
    },
    close,
    ended: link.ended,
  };
}
