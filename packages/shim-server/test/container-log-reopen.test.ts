import { create } from "@bufbuild/protobuf";
import { ReopenContainerLogRequestSchema } from "@dockershim/cri-types";
import { DockerError } from "@dockershim/docker-client";
import { expect, test } from "@jest/globals";
import { createContainerLogReopen } from "../src/pods/container-log-reopen.js";
import type { ContainerRecord } from "../src/state/records.js";

const id = "a".repeat(64);
/** As the engine's list tells of it, or as an inspect does. */
const recordOf = (listed: boolean): ContainerRecord =>
  ({
    id,
    unread: listed,
    inspect: {
      State: { Status: "running", Running: true },
      HostConfig: listed ? {} : { LogConfig: { Type: "local" } },
    },
  }) as ContainerRecord;

/** Reopens the log of a container that the engine has not let be read, and then `refresh`es it. */
async function reopen(refresh: () => Promise<ContainerRecord>): Promise<unknown[]> {
  let record = recordOf(true);
  const reopened: unknown[] = [];
  const call = createContainerLogReopen({
    store: {
      container: () => record,
      containers: () => [record],
      async refresh() {
        record = await refresh();
      },
    },
    logs: {
      reopen: async ({ inspect }) => void reopened.push(inspect.HostConfig?.LogConfig?.Type),
    },
  });
  const request = create(ReopenContainerLogRequestSchema, { containerId: id });
  await call(request, { signal: new AbortController().signal });
  return reopened;
}

test("a container that could not be read is read before its log is reopened", async () => {
  expect(await reopen(async () => recordOf(false))).toEqual(["local"]);
});

test("that it still cannot be read is told as such", async () => {
  const err = new DockerError({
    code: "deadline_exceeded",
    engineMessage: "no answer",
    operation: "container inspect",
  });
  await expect(reopen(() => Promise.reject(err))).rejects.toBe(err);
});
