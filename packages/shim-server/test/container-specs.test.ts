import { SPEC_PATCH_LABEL } from "@dockershim/pod-sandbox";
import type { SpecHookOptions } from "@dockershim/spec-hook";
import { expect, test } from "@jest/globals";
import {
  type ContainerSpecsParts,
  createContainerSpecs,
} from "../src/spec-hook/container-specs.js";
import { createObservers } from "../src/telemetry/observers.js";
import { createPodTimelines } from "../src/telemetry/pod-timelines.js";

/** Hooks that are not asked by a program, but by `ask`, which like one comes from outside of all calls. */
function startSpecs() {
  const patched = JSON.stringify({ merge: { hostname: "patched" } });
  const records = new Map([
    ["patched", { inspect: { Config: { Labels: { [SPEC_PATCH_LABEL]: patched } } } }],
    ["broken", { inspect: { Config: { Labels: { [SPEC_PATCH_LABEL]: "7" } } } }],
  ]);
  const timelines = createPodTimelines({
    pod: () => ({ namespace: "ns", name: "web", uid: "u", attempt: 0 }),
    container: (id) => ({ sandboxId: "s", name: id }),
  });
  const { specHook: observer } = createObservers(undefined, undefined, timelines);
  let complete: SpecHookOptions["complete"] | undefined;
  const specs = createContainerSpecs({
    store: { onChange: () => () => undefined, record: (id: string) => records.get(id) },
    instance: "test",
    rootDir: "/",
    log: { warn: () => undefined, error: () => undefined },
    observer,
    serve(options: SpecHookOptions) {
      complete = options.complete;
      return { announced: () => [], close: async () => undefined };
    },
    rootMounts: { close: async () => undefined },
  } as unknown as ContainerSpecsParts);
  const ask = async (id: string): Promise<unknown> =>
    await complete?.(id, {} as never, { bundle: "/b", signal: new AbortController().signal });
  const spansOf = () =>
    timelines
      .list("web")
      .flatMap(({ calls = [] }) => calls.flatMap(({ spans = [] }) => spans))
      .map(({ name, failed }) => ({ name, failed }));
  return { specs, timelines, ask, spansOf };
}

test.each([
  ["patched", false],
  ["broken", true],
])("what the hook of a %s container asks is in the timeline of its start", async (id, failed) => {
  const { specs, timelines, ask, spansOf } = startSpecs();
  const started = Promise.withResolvers<void>();
  const asked = started.promise.then(() => ask(id)).catch(() => undefined);
  await timelines.call("StartContainer", { containerId: id }, async () => {
    await specs.during(id, async () => {
      started.resolve();
      await asked;
    });
    return { message: {} };
  });
  expect(spansOf()).toEqual([{ name: "spec hook", failed }]);
  await specs.close();
});

test("that of a container that somebody else starts is in none", async () => {
  const { specs, timelines, ask, spansOf } = startSpecs();
  await timelines.call("StartContainer", { containerId: "patched" }, async () => {
    await specs.during("patched", async () => undefined);
    return { message: {} };
  });
  expect(await ask("patched")).toEqual({ hostname: "patched" });
  expect(spansOf()).toEqual([]);
  await specs.close();
});
