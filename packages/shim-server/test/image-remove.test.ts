import { DockerError, type ImageInspect } from "@dockershim/docker-client";
import { describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import {
  createImageRemove,
  type ImageRemoveParts,
  surplusNames,
} from "../src/image/image-remove.js";

describe("the names to take from an image before it can be removed by id", () => {
  test.each<[string, string[] | null, string[] | null, string[]]>([
    ["no name at all", null, null, []],
    ["one tag and its digest", ["a:1"], ["a@d"], []],
    ["one digest", [], ["a@d"], []],
    ["two tags of a repository", ["a:1", "a:2"], ["a@d"], ["a:2"]],
    ["tags in two registries", ["r:5000/a:1", "s/a:1"], ["r:5000/a@d", "s/a@d"], ["s/a:1"]],
    ["a tag, and a digest elsewhere", ["a:1"], ["a@d", "b@d"], ["b@d"]],
    ["digests in two repositories", [], ["a@d", "b@d"], ["b@d"]],
  ])("with %s", (_case, RepoTags, RepoDigests, surplus) => {
    expect(surplusNames({ RepoTags, RepoDigests })).toEqual(surplus);
  });
});

describe("a removal that fails in its middle", () => {
  const image = { Id: "sha256:1", RepoTags: ["r:5000/a:1", "b:2", "c:3"], RepoDigests: [] };

  /** An engine that fails when it is asked to remove `breaking`. */
  function attempt(breaking: string, signal: AbortSignal, code: DockerError["code"] = "conflict") {
    const tags = new Set(image.RepoTags);
    const whole = Promise.withResolvers<void>();
    const engine = { newcomer: "", onRemoved: () => {}, whole: whole.promise };
    const images = {
      async remove(name: string, options: { signal: AbortSignal }) {
        options.signal.throwIfAborted();
        if (name === image.Id && engine.newcomer !== "") {
          tags.add(engine.newcomer);
          engine.newcomer = "";
        }
        if (name === image.Id && name !== breaking && tags.size > 1) {
          const engineMessage = "must be forced - image is referenced in multiple repositories";
          throw new DockerError({ code: "conflict", operation: "images.remove", engineMessage });
        }
        if (name === image.Id && name !== breaking) tags.clear();
        if (name === breaking) {
          if (code === "not_found") tags.delete(name);
          throw new DockerError({ code, operation: "images.remove", engineMessage: "in use" });
        }
        tags.delete(name);
        engine.onRemoved();
        return [];
      },
      async tag(id: string, options: { repo: string; tag: string; signal: AbortSignal }) {
        options.signal.throwIfAborted();
        expect(id).toBe(image.Id);
        tags.add(`${options.repo}:${options.tag}`);
        if (tags.size === image.RepoTags.length) whole.resolve();
      },
    };
    const remove = createImageRemove({
      docker: { images, containers: { list: async () => [] } },
      images: {
        resolve: async () => ({ ...image, RepoTags: [...tags] }) as unknown as ImageInspect,
        refresh: async () => {},
      },
      log: pino({ level: "silent" }),
    } as unknown as ImageRemoveParts);
    const request = { image: { image: "b:2" } } as Parameters<typeof remove>[0];
    return { tags, engine, outcome: remove(request, { signal }) };
  }

  test.each(["c:3", "sha256:1"])("at %s puts the names back", async (breaking) => {
    const { tags, outcome } = attempt(breaking, new AbortController().signal);
    await expect(outcome).rejects.toMatchObject({ code: "failed_precondition", message: "in use" });
    expect([...tags].sort()).toEqual([...image.RepoTags].sort());
  });

  test("because the caller has gone does so as well", async () => {
    const controller = new AbortController();
    const { tags, outcome, engine } = attempt("none", controller.signal);
    engine.onRemoved = () => controller.abort(new Error("gone"));
    await expect(outcome).rejects.toThrow("gone");
    await engine.whole;
    expect([...tags].sort()).toEqual([...image.RepoTags].sort());
  });

  test("because of a name that came meanwhile is tried again with that name", async () => {
    const { tags, outcome, engine } = attempt("none", new AbortController().signal);
    engine.newcomer = "d:4";
    await expect(outcome).resolves.toEqual({});
    expect([...tags]).toEqual([]);
  });

  test("goes on when somebody else was faster", async () => {
    const { outcome } = attempt("c:3", new AbortController().signal, "not_found");
    await expect(outcome).resolves.toEqual({});
  });
});
