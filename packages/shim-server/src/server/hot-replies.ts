import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  ContainerStatusRequestSchema,
  ContainerStatusResponseSchema,
  ListContainersRequestSchema,
  ListContainersResponseSchema,
  ListPodSandboxRequestSchema,
  ListPodSandboxResponseSchema,
  PodSandboxStatusRequestSchema,
  PodSandboxStatusResponseSchema,
  RuntimeService,
  VersionResponseSchema,
} from "@dockershim/cri-types";
import type { ShimContext } from "../context.js";
import { containerItems } from "../pods/container-list.js";
import { containerStatusReply } from "../pods/container-status.js";
import { sandboxItems } from "../pods/sandbox-list.js";
import { sandboxStatusReply, statusTimestamp } from "../pods/sandbox-status.js";
import { sandboxStatus } from "../pods/sandbox-view.js";
import { runtimeVersion } from "../runtime/runtime-version.js";
import { requireContainer } from "../state/container-lookup.js";
import type { ContainerRecord, SandboxRecord } from "../state/records.js";
import { requireSandbox } from "../state/sandbox-lookup.js";
import { createContainerStatsReply } from "../stats/container-stats-reply.js";
import { frame, type HotCall } from "./hot-calls.js";

/**
 * The hot calls, as bytes: Version, the two lists, the two statuses and the containers' figures.
 *
 * In protobuf's encoding a message is the concatenation of its fields, so a reply is put together
 * from fields that were encoded once. What is cached hangs on the object it was made from and
 * goes with it: records are replaced, never changed.
 */
export function createHotReplies(context: ShimContext): Map<string, HotCall> {
  const { store, network, images } = context;
  const containerFields = createCache<object, undefined>();
  const sandboxFields = createCache<object, undefined>();
  const containerStatuses = createCache<ContainerRecord, number>();
  const nestedStatuses = createCache<ContainerRecord, number>();
  const sandboxStatuses = createCache<SandboxRecord, readonly string[] | undefined>();

  function listContainers(request: Uint8Array): Uint8Array[] {
    const { filter } = fromBinary(ListContainersRequestSchema, request);
    return containerItems(context, filter).map((item) =>
      containerFields(item, undefined, () =>
        encode(ListContainersResponseSchema, { containers: [item] }),
      ),
    );
  }

  function listPodSandbox(request: Uint8Array): Uint8Array[] {
    const { filter } = fromBinary(ListPodSandboxRequestSchema, request);
    return sandboxItems(context, filter).map((item) =>
      sandboxFields(item, undefined, () => encode(ListPodSandboxResponseSchema, { items: [item] })),
    );
  }

  function containerStatus(request: Uint8Array): Uint8Array[] {
    const message = fromBinary(ContainerStatusRequestSchema, request);
    if (message.verbose) {
      return [encode(ContainerStatusResponseSchema, containerStatusReply(context, message))];
    }
    const record = requireContainer(store, message.containerId);
    return [
      containerStatuses(record, images.version, () =>
        encode(ContainerStatusResponseSchema, containerStatusReply(context, message)),
      ),
    ];
  }

  /** A container's status as PodSandboxStatus holds it. */
  function nestedStatus(record: ContainerRecord): Uint8Array {
    return nestedStatuses(record, images.version, () => {
      const { status } = containerStatusReply(context, { containerId: record.id, verbose: false });
      return encode(PodSandboxStatusResponseSchema, { containersStatuses: [status] });
    });
  }

  function podSandboxStatus(request: Uint8Array): Uint8Array[] {
    const message = fromBinary(PodSandboxStatusRequestSchema, request);
    if (message.verbose) {
      return [encode(PodSandboxStatusResponseSchema, sandboxStatusReply(context, message))];
    }
    const record = requireSandbox(store, message.podSandboxId);
    return [
      sandboxStatuses(record, network.addresses(record.id), () =>
        encode(PodSandboxStatusResponseSchema, { status: sandboxStatus(record, network) }),
      ),
      ...store.containersOf(record.id).map(nestedStatus),
      encode(PodSandboxStatusResponseSchema, { timestamp: statusTimestamp() }),
    ];
  }

  function version(): Uint8Array[] {
    return [encode(VersionResponseSchema, runtimeVersion(context))];
  }

  const methods = {
    version,
    listContainers,
    listPodSandbox,
    containerStatus,
    podSandboxStatus,
    listContainerStats: createContainerStatsReply(context),
  };
  return new Map(
    Object.entries(methods).map(([name, reply]) => [
      `/${RuntimeService.typeName}/${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      (request) => frame(reply(request)),
    ]),
  );
}

function encode<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Uint8Array {
  return toBinary(schema, create(schema, init));
}

/** Bytes by the object they were made from, made anew when `version` is another one. */
function createCache<K extends object, V>(): (
  key: K,
  version: V,
  make: () => Uint8Array,
) => Uint8Array {
  const cached = new WeakMap<K, { readonly version: V; readonly bytes: Uint8Array }>();
  return (key, version, make) => {
    const entry = cached.get(key);
    if (entry !== undefined && entry.version === version) return entry.bytes;
    const bytes = make();
    cached.set(key, { version, bytes });
    return bytes;
  };
}
