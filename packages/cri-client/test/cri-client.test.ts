import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { ContainerEventType, ImageService, RuntimeService } from "@dockershim/cri-types";
import { Timelines } from "@dockershim/cri-types/timelines";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { type CriClient, CriClientError, createCriClient } from "../src/index.js";
import { type FakeRuntime, startFakeRuntime } from "./fake-runtime.js";

let dir: string;
let socketPath: string;
let runtime: FakeRuntime | undefined;
let client: CriClient;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cri-client-"));
  socketPath = join(dir, "cri.sock");
  client = createCriClient({ endpoint: `unix://${socketPath}` });
});

afterEach(async () => {
  client.close();
  await runtime?.close();
  runtime = undefined;
  await rm(dir, { recursive: true });
});

async function serve(routes: (router: ConnectRouter) => void): Promise<void> {
  runtime = await startFakeRuntime(socketPath, routes);
}

/** The error that a call throws, or a failure of the test when it throws none. */
async function errorOf(call: Promise<unknown>): Promise<CriClientError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CriClientError)) throw new Error(`no CriClientError but ${error}`);
  return error;
}

/** Takes calls and never answers; tells when one has arrived and when one was cancelled. */
async function serveSilence(): Promise<{ entered: Promise<void>; cancelled: Promise<void> }> {
  const entered = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const silence = (_request: unknown, { signal }: { signal: AbortSignal }): Promise<never> => {
    entered.resolve();
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        cancelled.resolve();
        reject(new ConnectError("cancelled", Code.Canceled));
      });
    });
  };
  await serve((router) => router.service(RuntimeService, { version: silence, execSync: silence }));
  return { entered: entered.promise, cancelled: cancelled.promise };
}

const version = () => ({ version: "0.1.0", runtimeName: "fake", runtimeApiVersion: "v1" });

describe("a call to a runtime that answers", () => {
  test("returns the reply of either service", async () => {
    await serve((router) => {
      router.service(RuntimeService, { version });
      router.service(ImageService, {
        listImages: ({ filter }) => ({ images: [{ id: `sha256:${filter?.image?.image}` }] }),
      });
    });
    expect((await client.runtime.version({})).runtimeName).toBe("fake");
    const { images } = await client.image.listImages({ filter: { image: { image: "a" } } });
    expect(images.map((image) => image.id)).toEqual(["sha256:a"]);
  });

  test("keeps one connection for all calls", async () => {
    await serve((router) => router.service(RuntimeService, { version }));
    await Promise.all([client.runtime.version({}), client.runtime.version({})]);
    await client.runtime.version({});
    expect(runtime?.connections()).toBe(1);
  });

  test("connects anew after the runtime has been restarted", async () => {
    await serve((router) => router.service(RuntimeService, { version }));
    await client.runtime.version({});
    await runtime?.close();
    expect((await errorOf(client.runtime.version({}))).code).toBe("UNAVAILABLE");
    await serve((router) => router.service(RuntimeService, { version }));
    expect((await client.runtime.version({})).runtimeName).toBe("fake");
  });

  test("carries a message of 10 MiB in either direction", async () => {
    await serve((router) =>
      router.service(RuntimeService, {
        execSync: ({ cmd }) => ({ stdout: Buffer.from(cmd[0] ?? "") }),
      }),
    );
    const reply = await client.runtime.execSync({ cmd: ["x".repeat(10 * 1024 * 1024)] });
    expect(reply.stdout).toHaveLength(10 * 1024 * 1024);
  });

  test("refuses a message of more than 16 MiB", async () => {
    // The server side of Connect reports a reply that was not taken.
    const report = jest.spyOn(console, "error").mockImplementation(() => {});
    await serve((router) =>
      router.service(RuntimeService, {
        execSync: () => ({ stdout: new Uint8Array(16 * 1024 * 1024 + 1) }),
      }),
    );
    const error = await errorOf(client.runtime.execSync({ cmd: ["x"] }));
    expect(error.code).toBe("RESOURCE_EXHAUSTED");
    await runtime?.close();
    report.mockRestore();
  });
});

describe("an error of the runtime", () => {
  test.each([
    [Code.NotFound, "NOT_FOUND"],
    [Code.InvalidArgument, "INVALID_ARGUMENT"],
    [Code.Unimplemented, "UNIMPLEMENTED"],
    [Code.Unavailable, "UNAVAILABLE"],
    [Code.Unknown, "UNKNOWN"],
    [Code.Unauthenticated, "UNAUTHENTICATED"],
  ])("with gRPC code %d is thrown as %s", async (grpcCode, code) => {
    await serve((router) =>
      router.service(RuntimeService, {
        containerStatus: () => {
          throw new ConnectError("container 17 is elsewhere", grpcCode);
        },
      }),
    );
    const error = await errorOf(client.runtime.containerStatus({ containerId: "17" }));
    expect(error).toMatchObject({
      code,
      method: "ContainerStatus",
      endpoint: `unix://${socketPath}`,
      message: "ContainerStatus: container 17 is elsewhere",
      reason: undefined,
    });
    expect(error.cause).toBeInstanceOf(ConnectError);
  });

  test("in a stream comes after the items before it", async () => {
    await serve((router) =>
      router.service(RuntimeService, {
        async *streamContainers() {
          yield { containers: [{ id: "a" }] };
          throw new ConnectError("gone", Code.Internal);
        },
      }),
    );
    const stream = client.runtime.streamContainers({})[Symbol.asyncIterator]();
    expect((await stream.next()).value.containers[0].id).toBe("a");
    expect((await errorOf(stream.next())).code).toBe("INTERNAL");
  });
});

describe("an unreachable runtime", () => {
  test("is told apart: no socket", async () => {
    const error = await errorOf(client.runtime.version({}));
    expect(error).toMatchObject({ code: "UNAVAILABLE", reason: "missing" });
    expect(error.message).toContain(`unix://${socketPath}`);
  });

  test("is told apart: a file that nobody listens on", async () => {
    await writeFile(socketPath, "");
    const error = await errorOf(client.runtime.version({}));
    expect(error).toMatchObject({ code: "UNAVAILABLE", reason: "refused" });
  });

  test("is told apart: something that is not gRPC", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    server.listen(socketPath);
    await once(server, "listening");
    const expected = { code: "UNAVAILABLE", reason: "not-grpc" };
    expect(await errorOf(client.runtime.version({}))).toMatchObject(expected);
    expect(await errorOf(client.runtime.version({}))).toMatchObject(expected);
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });

  test("is told apart: gone during the call", async () => {
    const { entered } = await serveSilence();
    const call = errorOf(client.runtime.version({}));
    await entered;
    await runtime?.close();
    expect(await call).toMatchObject({ code: "UNAVAILABLE", reason: "closed" });
  });
});

describe("a runtime that refuses a stream, as one that ends", () => {
  const answered = { runtimeName: "fake" };
  const serveVersion = (asked: () => void): Promise<void> =>
    serve((router) =>
      router.service(RuntimeService, {
        version() {
          asked();
          return answered;
        },
      }),
    );

  test("is asked once more, for it has begun nothing", async () => {
    let asked = 0;
    await serveVersion(() => {
      asked += 1;
    });
    runtime?.refuse(1);
    expect(await client.runtime.version({})).toMatchObject(answered);
    expect(asked).toBe(1);
  });

  test("is not asked for ever", async () => {
    await serveVersion(() => undefined);
    runtime?.refuse(2);
    expect((await errorOf(client.runtime.version({}))).message).toMatch(/REFUSED_STREAM/);
  });
});

describe("a call that takes too long", () => {
  test("ends at the client's deadline, on both sides", async () => {
    const { cancelled } = await serveSilence();
    client = createCriClient({ endpoint: `unix://${socketPath}`, timeoutMs: 50 });
    const error = await errorOf(client.runtime.version({}));
    expect(error.code).toBe("DEADLINE_EXCEEDED");
    expect(error.message).toBe(`Version: no answer from unix://${socketPath} within 0.05 s`);
    await cancelled;
  });

  test("keeps what the runtime says of a deadline of its own", async () => {
    await serve((router) =>
      router.service(RuntimeService, {
        execSync: () => {
          throw new ConnectError("killed after 5 s", Code.DeadlineExceeded);
        },
      }),
    );
    const error = await errorOf(client.runtime.execSync({ cmd: ["sleep"], timeout: 5n }));
    expect(error.code).toBe("DEADLINE_EXCEEDED");
    expect(error.message).toBe("ExecSync: killed after 5 s");
  });

  test.each([2_000 / 3, 99_999_999.5, 2 ** 40])(
    "takes %d ms for a deadline, which gRPC has no such number for",
    async (timeoutMs) => {
      await serve((router) => router.service(RuntimeService, { version }));
      client = createCriClient({ endpoint: `unix://${socketPath}`, timeoutMs });
      expect((await client.runtime.version({})).runtimeName).toBe("fake");
      expect((await client.runtime.version({}, { timeoutMs })).runtimeName).toBe("fake");
    },
  );

  test("ends at the deadline given with the call", async () => {
    const { cancelled } = await serveSilence();
    const error = await errorOf(client.runtime.execSync({}, { timeoutMs: 30 }));
    expect(error.code).toBe("DEADLINE_EXCEEDED");
    await cancelled;
  });

  test("is cancelled by the caller's signal, on both sides", async () => {
    const { entered, cancelled } = await serveSilence();
    const controller = new AbortController();
    const call = errorOf(client.runtime.execSync({}, { signal: controller.signal }));
    await entered;
    controller.abort();
    expect((await call).code).toBe("CANCELLED");
    await cancelled;
  });
});

describe("streams", () => {
  test("leaving the loop over events ends the call at the runtime", async () => {
    const ended = Promise.withResolvers<void>();
    await serve((router) =>
      router.service(RuntimeService, {
        async *getContainerEvents(_request, { signal }) {
          yield {
            containerId: "a",
            containerEventType: ContainerEventType.CONTAINER_STARTED_EVENT,
          };
          if (!signal.aborted) await once(signal, "abort");
          ended.resolve();
        },
      }),
    );
    for await (const event of client.runtime.getContainerEvents({})) {
      expect(event.containerId).toBe("a");
      break;
    }
    await ended.promise;
  });
});

describe("a closed client", () => {
  test("cancels the call under way and refuses the next", async () => {
    const { entered } = await serveSilence();
    const call = errorOf(client.runtime.version({}));
    await entered;
    client.close();
    expect((await call).code).toBe("CANCELLED");
    const refused = await errorOf(client.runtime.version({}));
    expect(refused).toMatchObject({ code: "CANCELLED", message: "Version: the client is closed" });
  });
});

test("another service on the same socket has the same errors", async () => {
  await serve((router) => {
    router.service(Timelines, { listPodTimelines: ({ pod }) => ({ pods: [{ name: pod }] }) });
  });
  const { pods } = await client.service(Timelines).listPodTimelines({ pod: "web" });
  expect(pods).toMatchObject([{ name: "web" }]);
  expect(await errorOf(client.runtime.version({}))).toMatchObject({ code: "UNIMPLEMENTED" });
  await runtime?.close();
  runtime = undefined;
  const error = await errorOf(client.service(Timelines).listPodTimelines({}));
  expect(error).toMatchObject({ code: "UNAVAILABLE", method: "ListPodTimelines" });
});
