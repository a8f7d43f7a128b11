import { type FakeEngine, json, startFakeEngine } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createDockerClient, type DockerClient } from "../src/index.js";

let engine: FakeEngine;
let client: DockerClient;

beforeEach(async () => {
  engine = await startFakeEngine();
  client = createDockerClient({ endpoint: engine.endpoint });
});

afterEach(async () => {
  await client.close();
  await engine.close();
});

const inspect = {
  Id: "a",
  Name: "/a",
  Created: "2026-01-01T00:00:00Z",
  Image: "sha256:1",
  State: { Status: "running", Pid: 1, ExitCode: 0 },
  Config: { Labels: null },
  HostConfig: {},
  NetworkSettings: {},
  Mounts: null,
};
const image = { Id: "sha256:1", RepoTags: null, RepoDigests: null, Size: 1, Config: null };
const exec = { ContainerID: "a", Running: false, ExitCode: 0, Pid: 0 };

/** A call, what it is content with, and with what of that changed it is not. */
const calls: [string, (docker: DockerClient) => Promise<unknown>, object, [object, string][]][] = [
  [
    "containers.create",
    ({ containers }) => containers.create({}),
    { Id: "a", Warnings: null },
    [[{ Id: 5 }, "Id is no string"]],
  ],
  [
    "containers.inspect",
    ({ containers }) => containers.inspect("a"),
    inspect,
    [
      [{ State: {} }, "State.Status is missing"],
      [{ State: null }, "State is missing"],
      [{ State: "running" }, "State is no object"],
      [{ State: { ...inspect.State, Pid: "1" } }, "State.Pid is no number"],
      [{ Config: null }, "Config is missing"],
      [{ HostConfig: undefined }, "HostConfig is missing"],
    ],
  ],
  [
    "exec.create",
    (docker) => docker.exec.create("a", { Cmd: [] }),
    { Id: "e" },
    [[{ Id: [] }, "Id is no string"]],
  ],
  [
    "exec.inspect",
    (docker) => docker.exec.inspect("e"),
    exec,
    [[{ Running: undefined }, "Running is missing"]],
  ],
  [
    "images.inspect",
    ({ images }) => images.inspect("a"),
    image,
    [[{ Size: "" }, "Size is no number"]],
  ],
  [
    "info",
    (docker) => docker.info(),
    { DockerRootDir: "/d", Driver: "overlay2" },
    [[{ Driver: null }, "Driver is missing"]],
  ],
  [
    "containers.wait",
    ({ containers }) => containers.wait("a"),
    { StatusCode: 0 },
    [[{ StatusCode: "0" }, "StatusCode is no number"]],
  ],
];

describe.each(calls)("a reply to %s", (operation, call, good, bad) => {
  const problem = (what: string) => ({
    name: "DockerError",
    code: "server_error",
    operation,
    message: `${operation}: the engine's reply makes no sense: ${what}`,
  });

  test("of which all is there that is needed is told", async () => {
    engine.handle = (_seen, response) => json(response, 200, good);
    await expect(call(client)).resolves.toBeTruthy();
  });

  test("with nothing in it is an error", async () => {
    const [first] = Object.keys(good);
    for (const reply of [{}, []]) {
      engine.handle = (_seen, response) => json(response, 200, reply);
      await expect(call(client)).rejects.toMatchObject(problem(`${first} is missing`));
    }
    engine.handle = (_seen, response) => json(response, 200, null);
    await expect(call(client)).rejects.toMatchObject(problem("it is missing"));
  });

  test.each(bad)("with %j is an error", async (change, what) => {
    engine.handle = (_seen, response) => json(response, 200, { ...good, ...change });
    await expect(call(client)).rejects.toMatchObject(problem(what));
  });
});

test.each<[string, (docker: DockerClient) => Promise<unknown[]>, object]>([
  [
    "containers.list",
    ({ containers }) => containers.list(),
    { Id: "a", State: "running", Created: 1 },
  ],
  ["images.list", ({ images }) => images.list(), image],
])(
  "a reply to %s is a list, each entry of which can be relied on",
  async (operation, call, entry) => {
    const problem = (what: string) => `${operation}: the engine's reply makes no sense: ${what}`;
    engine.handle = (_seen, response) => json(response, 200, [entry, entry]);
    await expect(call(client)).resolves.toHaveLength(2);
    engine.handle = (_seen, response) => json(response, 200, {});
    await expect(call(client)).rejects.toThrow(problem("it is no list"));
    engine.handle = (_seen, response) => json(response, 200, [entry, { ...entry, Id: null }]);
    await expect(call(client)).rejects.toThrow(problem("entry 1.Id is missing"));
  },
);

test("an inspect is read up to 32 MiB, and what comes after that is not waited for", async () => {
  const labelled = (bytes: number) => ({
    ...inspect,
    Config: { Labels: { a: "x".repeat(bytes) } },
  });
  engine.handle = (_seen, response) => json(response, 200, labelled(31 * 2 ** 20));
  await expect(client.containers.inspect("a")).resolves.toBeTruthy();
  engine.handle = (_seen, response) => {
    response.writeHead(200);
    const piece = Buffer.alloc(2 ** 20, "x");
    const more = (): void => void (response.destroyed || response.write(piece, more));
    more();
  };
  await expect(client.containers.inspect("a")).rejects.toMatchObject({
    code: "server_error",
    message: `containers.inspect: the engine's reply cannot be read: it is longer than ${2 ** 25} bytes`,
  });
  await engine.idle();
});
