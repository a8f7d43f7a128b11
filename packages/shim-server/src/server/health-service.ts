import { create, createFileRegistry, type DescService } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { ImageService, RuntimeService } from "@dockershim/cri-types";
import type { EventFeed } from "../state/event-feed.js";

/** HealthCheckResponse.ServingStatus of gRPC's health checking protocol. */
const serving = 1;
const notServing = 2;

/** How often a Watch looks, in ms. */
const watchIntervalMs = 1_000;

type Loose = Record<string, unknown>;

/**
 * gRPC's health checking protocol (grpc.health.v1): SERVING while CRI calls can be answered. The
 * empty name is the whole server; both CRI services share its state.
 */
export function registerHealthService(
  router: ConnectRouter,
  feed: Pick<EventFeed, "current">,
): void {
  const known = new Set(["", RuntimeService.typeName, ImageService.typeName]);
  const status = (): number => (feed.current ? serving : notServing);
  const nameOf = (request: unknown): string =>
    String((request as { service?: string }).service ?? "");

  const check = (request: unknown): Loose => {
    const name = nameOf(request);
    if (!known.has(name)) throw new ConnectError(`no service ${name}`, Code.NotFound);
    return { status: status() };
  };
  const list = (): Loose => ({
    statuses: Object.fromEntries(Array.from(known, (name) => [name, { status: status() }])),
  });
  async function* watch(request: unknown, { signal }: HandlerContext): AsyncGenerator<Loose> {
    const exists = known.has(nameOf(request));
    // 3 is SERVICE_UNKNOWN; the protocol wants the stream kept open, should it appear.
    const look = (): number => (exists ? status() : 3);
    let last: number | undefined;
    while (!signal.aborted) {
      const now = look();
      if (now !== last) yield { status: now };
      last = now;
      await pause(signal);
    }
  }
  router.service(healthService(), { check, list, watch } as never);
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, watchIntervalMs);
    signal.addEventListener("abort", done, { once: true });
  });
}

/** The protocol's descriptor, which is too small for a generator. */
export function healthService(): DescService {
  const service = createFileRegistry(healthFile(), () => undefined).getService(
    "grpc.health.v1.Health",
  );
  if (service === undefined) throw new Error("the descriptor of grpc.health.v1 has no Health");
  return service;
}

function healthFile(): FileDescriptorProto {
  const statusType = ".grpc.health.v1.HealthCheckResponse.ServingStatus";
  const pkg = ".grpc.health.v1";
  return create(FileDescriptorProtoSchema, {
    name: "grpc/health/v1/health.proto",
    package: "grpc.health.v1",
    syntax: "proto3",
    messageType: [
      {
        name: "HealthCheckRequest",
        field: [{ name: "service", number: 1, type: Type.STRING, label: Label.OPTIONAL }],
      },
      {
        name: "HealthCheckResponse",
        field: [
          {
            name: "status",
            number: 1,
            type: Type.ENUM,
            typeName: statusType,
            label: Label.OPTIONAL,
          },
        ],
        enumType: [
          {
            name: "ServingStatus",
            value: ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"].map((name, number) => ({
              name,
              number,
            })),
          },
        ],
      },
      { name: "HealthListRequest" },
      {
        name: "HealthListResponse",
        field: [
          {
            name: "statuses",
            number: 1,
            type: Type.MESSAGE,
            typeName: `${pkg}.HealthListResponse.StatusesEntry`,
            label: Label.REPEATED,
          },
        ],
        nestedType: [
          {
            name: "StatusesEntry",
            options: { mapEntry: true },
            field: [
              { name: "key", number: 1, type: Type.STRING, label: Label.OPTIONAL },
              {
                name: "value",
                number: 2,
                type: Type.MESSAGE,
                typeName: `${pkg}.HealthCheckResponse`,
                label: Label.OPTIONAL,
              },
            ],
          },
        ],
      },
    ],
    service: [
      {
        name: "Health",
        method: [
          method("Check", "HealthCheckRequest", "HealthCheckResponse"),
          method("List", "HealthListRequest", "HealthListResponse"),
          {
            ...method("Watch", "HealthCheckRequest", "HealthCheckResponse"),
            serverStreaming: true,
          },
        ],
      },
    ],
  });

  function method(name: string, input: string, output: string) {
    return { name, inputType: `${pkg}.${input}`, outputType: `${pkg}.${output}` };
  }
}
