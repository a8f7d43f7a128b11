import { create } from "@bufbuild/protobuf";
import { StopContainerRequestSchema } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import { withoutNri } from "../src/nri/nri.js";
import { createContainerStop } from "../src/pods/container-stop.js";

test("the longest timeout that CRI can say is one that Docker can count", async () => {
  const graces: (number | undefined)[] = [];
  const stop = createContainerStop({
    docker: {
      containers: {
        stop: async (_id: string, options: { timeoutSeconds?: number }) => {
          graces.push(options.timeoutSeconds);
          return { changed: true };
        },
      },
    },
    store: {
      container: (id: string) => ({ id, inspect: { State: { Status: "running" } } }),
      refreshUntil: async () => undefined,
    },
    nri: withoutNri,
  } as unknown as Parameters<typeof createContainerStop>[0]);
  const containerId = "c".repeat(64);
  const request = create(StopContainerRequestSchema, { containerId, timeout: 2n ** 63n - 1n });
  await stop(request, { signal: new AbortController().signal });
  expect(graces).toEqual([2 ** 31 - 1]);
});
