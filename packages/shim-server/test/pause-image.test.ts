import type { ImageInspect } from "@dockershim/docker-client";
import { pauseImage } from "@dockershim/pause-image";
import { describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createPauseImage, type PauseImageParts } from "../src/image/pause-image.js";

const embedded = pauseImage("amd64");
const { signal } = new AbortController();

/** An engine that gives a loaded archive this id. */
function setUp({ chosen = "", loadedId = embedded.id, sandboxImages = [] as string[] } = {}) {
  const names = new Map<string, string>();
  const calls: string[] = [];
  const pause = createPauseImage({ podInfraContainerImage: chosen }, {
    docker: {
      images: {
        async load() {
          calls.push("load");
          names.set(embedded.reference, loadedId);
          return [embedded.reference];
        },
      },
    },
    engine: { facts: async () => ({ arch: "amd64" }) },
    images: {
      find: (name: string) =>
        names.has(name) ? ({ Id: names.get(name) } as ImageInspect) : undefined,
      refresh: async () => {},
    },
    store: { sandboxes: () => sandboxImages.map((Image) => ({ inspect: { Image } })) },
    async pull(name: string) {
      calls.push(`pull ${name}`);
      names.set(name, "sha256:chosen");
    },
    log: pino({ level: "silent" }),
  } as unknown as PauseImageParts);
  return { names, calls, pause };
}

describe("the pause image", () => {
  test.each([embedded.id, embedded.manifestDigest, "sha256:as-a-future-engine-has-it"])(
    "is loaded once for many, whatever id the engine gives it (%s)",
    async (loadedId) => {
      const { pause, calls } = setUp({ loadedId });
      const names = await Promise.all([pause.ensure(signal), pause.ensure(signal)]);
      await pause.ensure(signal);
      expect(names).toEqual([embedded.reference, embedded.reference]);
      expect(calls).toEqual(["load"]);
      expect([...pause.pinned()]).toEqual([loadedId]);
    },
  );

  test("of that name that is another one is replaced", async () => {
    const { pause, calls, names } = setUp();
    names.set(embedded.reference, "sha256:somebody-elses");
    await pause.ensure(signal);
    expect(calls).toEqual(["load"]);
    expect(names.get(embedded.reference)).toBe(embedded.id);
  });

  test("that was removed is loaded again", async () => {
    const { pause, calls, names } = setUp();
    await pause.ensure(signal);
    names.clear();
    await pause.ensure(signal);
    expect(calls).toEqual(["load", "load"]);
  });

  test("that the operator chose is pulled when it is missing", async () => {
    const { pause, calls } = setUp({ chosen: "r.example/pause:1" });
    expect(await pause.ensure(signal)).toBe("r.example/pause:1");
    await pause.ensure(signal);
    expect(calls).toEqual(["pull r.example/pause:1"]);
    expect([...pause.pinned()]).toEqual(["sha256:chosen"]);
  });

  test("of sandboxes that are there is pinned, also when new ones get another", async () => {
    const { pause } = setUp({ sandboxImages: ["sha256:old", "sha256:old"] });
    await pause.ensure(signal);
    expect([...pause.pinned()].sort()).toEqual([embedded.id, "sha256:old"].sort());
  });
});
