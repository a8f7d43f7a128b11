import Image from "dockerode/lib/image.js";
import { compareApiVersions } from "./api-version.js";
import type { DockerImages } from "./docker-client.js";
import type { EngineHttp } from "./engine-http.js";
import type { EngineRequest } from "./engine-request.js";
import { DockerError } from "./errors.js";
import type { ImageHistoryEntry, ImageInspect, ImageRemoval, ImageSummary } from "./image-types.js";
import { createModem, type ModemCall } from "./modem.js";
import { pathOfName } from "./path-of-name.js";
import { followProgress } from "./progress.js";
import { codeOfPullMessage, pullImage } from "./pull.js";
import { imageInspectShape, imageListShape, maxInspectBytes } from "./reply-shapes.js";
import { streamBody } from "./stream-body.js";

/** The calls on images. */
export function createImages(http: EngineHttp): DockerImages {
  /** dockerode's image for one call. */
  function image(
    verb: string,
    ref: string,
    call: Omit<ModemCall, "operation">,
    send: (request: EngineRequest) => Promise<unknown> = http.json,
  ): Image {
    const operation = `images.${verb}`;
    return new Image(createModem({ operation, ...call }, send), pathOfName(operation, ref));
  }

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
        shape: imageListShape,
        signal: options.signal,
      });
    },

    async inspect(ref, { signal } = {}) {
      const call = { signal, shape: imageInspectShape, maxReplyBytes: maxInspectBytes };
      return (await image("inspect", ref, call).inspect()) as ImageInspect;
    },

    async history(ref, { signal } = {}) {
      return (await image("history", ref, { signal }).history()) as ImageHistoryEntry[];
    },

    pull: (ref, options = {}) => pullImage(http, ref, options),

    async remove(ref, { signal, force, noprune } = {}) {
      return (await image("remove", ref, { signal }).remove({ force, noprune })) as ImageRemoval[];
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
          if (match?.[1] !== undefined) loaded.push(match[1]);
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

    async tag(ref, { signal, repo, tag }) {
      await image("tag", ref, { signal }, http.empty).tag({ repo, tag });
    },
  };
}
