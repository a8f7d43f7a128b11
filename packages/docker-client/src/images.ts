import { compareApiVersions } from "./api-version.js";
import type { DockerImages } from "./docker-client.js";
import type { EngineHttp } from "./engine-http.js";
import { enginePath } from "./engine-path.js";
import { DockerError } from "./errors.js";
import type { ImageHistoryEntry, ImageInspect, ImageRemoval, ImageSummary } from "./image-types.js";
import { followProgress } from "./progress.js";
import { codeOfPullMessage, pullImage } from "./pull.js";
import { streamBody } from "./stream-body.js";

/** The calls on images. */
export function createImages(http: EngineHttp): DockerImages {
  return {
    async list(options = {}) {
      const version = await http.apiVersion(options.signal);
      const sharedSize = compareApiVersions(version, "1.42") >= 0 ? options.sharedSize : undefined;
      return await http.json<ImageSummary[]>({
        operation: "images.list",
        method: "GET",
        path: "/images/json",
        query: {
          all: options.all,
          digests: options.digests,
          "shared-size": sharedSize,
          filters: options.filters,
        },
        signal: options.signal,
      });
    },

    async inspect(ref, options = {}) {
      const operation = "images.inspect";
      return await http.json<ImageInspect>({
        operation,
        method: "GET",
        path: enginePath(operation, ["/images/", "/json"], ref),
        signal: options.signal,
      });
    },

    async history(ref, options = {}) {
      const operation = "images.history";
      return await http.json<ImageHistoryEntry[]>({
        operation,
        method: "GET",
        path: enginePath(operation, ["/images/", "/history"], ref),
        signal: options.signal,
      });
    },

    pull: (ref, options = {}) => pullImage(http, ref, options),

    async remove(ref, options = {}) {
      const operation = "images.remove";
      return await http.json<ImageRemoval[]>({
        operation,
        method: "DELETE",
        path: enginePath(operation, ["/images/"], ref),
        query: { force: options.force, noprune: options.noprune },
        signal: options.signal,
      });
    },

    async load(tar, options = {}) {
      const operation = "images.load";
      const loaded: string[] = [];
      await followProgress(
        http,
        {
          operation,
          method: "POST",
          path: "/images/load",
          query: { quiet: true },
          upload: tar,
          signal: options.signal,
          timeoutMs: "none",
        },
        (line) => {
          const match = /^Loaded image(?: ID)?: (\S+)/.exec(String(line.stream ?? ""));
          if (match?.[1] !== undefined) {
            loaded.push(match[1]);
          }
        },
        (message) =>
          new DockerError({
            code: codeOfPullMessage(message) === "no_space" ? "no_space" : "invalid_argument",
            operation,
            engineMessage: message,
          }),
      );
      return loaded;
    },

    async save(refs, options = {}) {
      const operation = "images.save";
      if (refs.length === 0) {
        throw new DockerError({
          code: "invalid_argument",
          operation,
          engineMessage: "no image was named",
        });
      }
      const { body } = await streamBody(http, {
        operation,
        method: "GET",
        path: "/images/get",
        query: { names: refs },
        signal: options.signal,
        timeoutMs: "none",
      });
      return body;
    },

    async tag(ref, options) {
      const operation = "images.tag";
      await http.empty({
        operation,
        method: "POST",
        path: enginePath(operation, ["/images/", "/tag"], ref),
        query: { repo: options.repo, tag: options.tag },
        signal: options.signal,
      });
    },
  };
}
