import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { ImageService, RuntimeService } from "@dockershim/cri-types";
import { describe, expect, jest, test } from "@jest/globals";
import { hotCallsOf, type Routes, serveRoutes, unimplemented } from "../src/server/route.js";
import { type ImageRouteParts, imageRoutes } from "../src/start/image-routes.js";
import { type RuntimeRouteParts, runtimeRoutes } from "../src/start/runtime-routes.js";

/** Parts that are never used: the table alone is looked at. */
function unused(): never {
  const never: object = new Proxy(() => undefined, { get: () => never });
  return never as never;
}

const runtime: Record<string, { handler: (...given: never[]) => unknown; needs: string }> = {
  ...runtimeRoutes(unused() as RuntimeRouteParts),
};
const image: typeof runtime = { ...imageRoutes(unused() as ImageRouteParts) };

describe("the route table", () => {
  test.each([...RuntimeService.methods, ...ImageService.methods].map(({ localName }) => localName))(
    "has a handler for %s, and says what it needs",
    (name) => {
      const route = runtime[name] ?? image[name];
      expect(typeof route?.handler).toBe("function");
      expect(route?.needs).toMatch(/^(store|nothing)$/);
    },
  );

  test("has no route that is no method", () => {
    const names = [...RuntimeService.methods, ...ImageService.methods].map((m) => m.localName);
    expect(names).toEqual(expect.arrayContaining([...Object.keys(runtime), ...Object.keys(image)]));
  });

  test("lets only those calls go on without the store that an operator needs while it is away", () => {
    const free = Object.entries(runtime).filter(([, { needs }]) => needs === "nothing");
    expect(free.map(([name]) => name).sort()).toEqual([
      "checkpointPod",
      "getContainerEvents",
      "listMetricDescriptors",
      "restorePod",
      "runtimeConfig",
      "status",
      "updateRuntimeConfig",
    ]);
    expect(Object.values(image).every(({ needs }) => needs === "store")).toBe(true);
  });

  test.each(["checkpointPod", "restorePod"])(
    "answers %s, which Docker cannot back, with UNIMPLEMENTED and the reason",
    async (name) => {
      await expect(runtime[name]?.handler()).rejects.toMatchObject({
        code: "unimplemented",
        message: expect.stringContaining("checkpoint"),
      });
    },
  );

  test("answers the calls that a kubelet repeats ahead of the RPC framework", () => {
    const hot = hotCallsOf(RuntimeService, runtimeRoutes(unused() as RuntimeRouteParts));
    expect(hot.map(([path]) => path).sort()).toEqual(
      [
        "ContainerStatus",
        "ListContainerStats",
        "ListContainers",
        "ListPodSandbox",
        "ListPodSandboxMetrics",
        "PodSandboxStatus",
        "Version",
      ].map((name) => `/runtime.v1.RuntimeService/${name}`),
    );
    const ofImages = hotCallsOf(ImageService, imageRoutes(unused() as ImageRouteParts));
    expect(ofImages.map(([path]) => path)).toEqual(["/runtime.v1.ImageService/ImageFsInfo"]);
  });
});

describe("a handler that needs the store", () => {
  function serve(ready: () => Promise<void>) {
    const handler = jest.fn(async () => ({ version: "1" }));
    const subscribe = jest.fn(async function* () {
      yield { containerId: "c" };
    });
    const none = unimplemented("not in this test");
    const routes = {
      ...Object.fromEntries(RuntimeService.methods.map(({ localName }) => [localName, none])),
      version: { handler, needs: "store" },
      getContainerEvents: { handler: subscribe, needs: "store" },
    } as unknown as Routes<typeof RuntimeService>;
    const transport = createRouterTransport((router) =>
      serveRoutes(router, RuntimeService, routes, ready),
    );
    return { client: createClient(RuntimeService, transport), handler, subscribe };
  }

  test("runs once the store is current", async () => {
    const held = Promise.withResolvers<void>();
    const { client, handler } = serve(() => held.promise);
    const reply = client.version({});
    await new Promise((resolve) => setImmediate(resolve));
    expect(handler).not.toHaveBeenCalled();
    held.resolve();
    expect((await reply).version).toBe("1");
  });

  test("does not run while it is not, be it a call or a stream", async () => {
    const { client, handler, subscribe } = serve(async () => {
      throw new ConnectError("away", Code.Unavailable);
    });
    await expect(client.version({})).rejects.toMatchObject({ code: Code.Unavailable });
    const events = client.getContainerEvents({})[Symbol.asyncIterator]();
    await expect(events.next()).rejects.toMatchObject({ code: Code.Unavailable });
    expect(handler).not.toHaveBeenCalled();
    expect(subscribe).not.toHaveBeenCalled();
  });
});
