import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createDockerLogLinks, type DockerLogLinksOptions } from "../src/logs/docker-log-link.js";
import type { ContainerRecord } from "../src/state/records.js";

let root: string;
let link: string;
let dockerFile: string;
let warned: (string | undefined)[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "log-link-"));
  mkdirSync(join(root, "web"));
  link = join(root, "web", "main.log");
  dockerFile = join(root, "a-json.log");
  writeFileSync(dockerFile, "{}\n");
  warned = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const createLinks = (options: Partial<DockerLogLinksOptions> = {}) =>
  createDockerLogLinks({
    log: { warn: (_what: unknown, message?: string) => void warned.push(message) },
    ...options,
  });

const recordOf = (status = "running", file = dockerFile) =>
  ({
    id: "a".repeat(64),
    inspect: {
      LogPath: file,
      State: { Status: status },
      Config: { Labels: { "io.kubernetes.container.logpath": link } },
    },
  }) as unknown as ContainerRecord;

test.each(["running", "exited"])(
  "a container that is found %s and without a link gets one",
  async (status) => {
    await createLinks().beforePublish(recordOf(status));
    expect(readlinkSync(link)).toBe(dockerFile);
  },
);

test("a container that the engine has no file of yet gets its link when it has", async () => {
  const links = createLinks();
  await links.beforePublish(recordOf("created", ""));
  await links.beforePublish(recordOf("running", ""));
  expect(existsSync(link)).toBe(false);
  await links.beforePublish(recordOf());
  expect(readlinkSync(link)).toBe(dockerFile);
});

test("a link that leads nowhere is replaced, another stays until its own container is started", async () => {
  symlinkSync(join(root, "gone-json.log"), link);
  await createLinks().beforePublish(recordOf());
  expect(readlinkSync(link)).toBe(dockerFile);
  rmSync(link);
  const other = join(root, "other-json.log");
  writeFileSync(other, "{}\n");
  symlinkSync(other, link);
  const links = createLinks();
  await links.beforePublish(recordOf());
  expect(readlinkSync(link)).toBe(other);
  await links.started(recordOf());
  expect(readlinkSync(link)).toBe(dockerFile);
});

test("a log that was removed since, or its folder, does not come back", async () => {
  const links = createLinks();
  await links.beforePublish(recordOf());
  rmSync(link);
  await links.beforePublish(recordOf("exited"));
  expect(existsSync(link)).toBe(false);
  rmSync(join(root, "web"), { recursive: true });
  await createLinks().beforePublish(recordOf("exited"));
  expect(existsSync(join(root, "web"))).toBe(false);
  expect(warned).toEqual([]);
});

test("a container that is removed while its state is read leaves no link", async () => {
  const links = createLinks();
  const publishing = links.beforePublish(recordOf());
  await links.removed(recordOf());
  await publishing;
  await links.beforePublish(recordOf("exited"));
  expect(() => readlinkSync(link)).toThrow("ENOENT");
});

test("a link that cannot be made keeps no state from being made known, and is tried again", async () => {
  rmSync(join(root, "web"), { recursive: true });
  symlinkSync(root, join(root, "web"));
  const links = createLinks();
  await links.beforePublish(recordOf());
  expect(warned).toEqual(["the container's log has no link at present"]);
  rmSync(join(root, "web"));
  mkdirSync(join(root, "web"));
  await links.beforePublish(recordOf());
  expect(readlinkSync(link)).toBe(dockerFile);
});

test("a container is removed although the folder of its log does not answer", async () => {
  let fail: (reason: Error) => void = () => {};
  const links = createLinks({
    settleMs: 5,
    unlink: () => new Promise((_resolve, reject) => (fail = reject)),
  });
  await links.removed(recordOf());
  expect(warned).toEqual(["the container is gone before its log's link"]);
  fail(new Error("stale file handle"));
  await until(() => warned.length === 2);
});
