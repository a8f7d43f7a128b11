import { until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import { createDockerLogLinks } from "../src/logs/docker-log-link.js";
import type { ContainerRecord } from "../src/state/records.js";

const record = {
  id: "a".repeat(64),
  inspect: {
    LogPath: "/var/lib/docker/a-json.log",
    Config: { Labels: { "io.kubernetes.container.logpath": "/var/log/pods/web/main.log" } },
  },
} as unknown as ContainerRecord;

test("a container is removed although the folder of its log does not answer", async () => {
  const warned: unknown[] = [];
  let fail: (reason: Error) => void = () => {};
  const links = createDockerLogLinks({
    log: { warn: (_what: unknown, message?: string) => void warned.push(message) },
    settleMs: 5,
    unlink: () => new Promise((_resolve, reject) => (fail = reject)),
  });
  await links.removed(record);
  expect(warned).toEqual(["the container is gone before its log's link"]);
  fail(new Error("stale file handle"));
  await until(() => warned.length === 2);
});
