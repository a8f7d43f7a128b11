import { type FakeEngine, json, startFakeEngine } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createDockerClient, type DockerClient, DockerError } from "../src/index.js";

let engine: FakeEngine;
let client: DockerClient;

beforeEach(async () => {
  engine = await startFakeEngine({ apiVersion: "1.51" });
  client = createDockerClient({ endpoint: engine.endpoint });
});

afterEach(async () => {
  await client.close();
  await engine.close();
});

const id = "a/b c";

/** What each call asks the engine for: the method, the path, the query, the body. */
const routes: [string, (docker: DockerClient) => Promise<unknown>][] = [
  [
    'POST /containers/create?name=n&platform=linux/arm64 {"Image":"i","Env":["A=b"]}',
    ({ containers }) =>
      containers.create({ Image: "i", Env: ["A=b"] }, { name: "n", platform: "linux/arm64" }),
  ],
  ["POST /containers/a/b%20c/start", ({ containers }) => containers.start(id)],
  ["POST /containers/a/b%20c/stop", ({ containers }) => containers.stop(id)],
  [
    "POST /containers/a/b%20c/stop?t=0&signal=USR1",
    ({ containers }) => containers.stop(id, { timeoutSeconds: 0, stopSignal: "USR1" }),
  ],
  ["POST /containers/a/b%20c/kill", ({ containers }) => containers.kill(id)],
  [
    "POST /containers/a/b%20c/kill?signal=TERM",
    ({ containers }) => containers.kill(id, { killSignal: "TERM" }),
  ],
  ["DELETE /containers/a/b%20c", ({ containers }) => containers.remove(id)],
  [
    "DELETE /containers/a/b%20c?force=true&v=false",
    ({ containers }) => containers.remove(id, { force: true, volumes: false }),
  ],
  ["GET /containers/a/b%20c/json", ({ containers }) => containers.inspect(id)],
  [
    "GET /containers/a/b%20c/json?size=true",
    ({ containers }) => containers.inspect(id, { size: true }),
  ],
  ["GET /containers/json", ({ containers }) => containers.list()],
  [
    'GET /containers/json?all=true&filters={"label":["a=b","c"]}&size=false&limit=3',
    ({ containers }) =>
      containers.list({ all: true, filters: { label: ["a=b", "c"] }, size: false, limit: 3 }),
  ],
  ["POST /containers/a/b%20c/update {}", ({ containers }) => containers.update(id, {})],
  [
    'POST /containers/a/b%20c/update {"Memory":1,"CpusetCpus":""}',
    ({ containers }) => containers.update(id, { Memory: 1, CpusetCpus: "" }),
  ],
  ["POST /containers/a/b%20c/rename?name=n&m", ({ containers }) => containers.rename(id, "n&m")],
  [
    'POST /containers/a/b%20c/checkpoints {"CheckpointID":"c","CheckpointDir":"/d","Exit":false}',
    ({ containers }) => containers.checkpoint(id, { checkpointId: "c", checkpointDir: "/d" }),
  ],
  ["GET /containers/a/b%20c/changes", ({ containers }) => containers.changes(id)],
  ["GET /containers/a/b%20c/export", ({ containers }) => containers.exportFiles(id)],
  ["POST /containers/a/b%20c/wait", ({ containers }) => containers.wait(id)],
  [
    "POST /containers/a/b%20c/wait?condition=next-exit",
    ({ containers }) => containers.wait(id, { condition: "next-exit" }),
  ],
  ["POST /containers/a/b%20c/resize?h=3&w=4", ({ containers }) => containers.resize(id, size)],
  ["GET /containers/a/b%20c/top", ({ containers }) => containers.top(id)],
  ["GET /containers/a/b%20c/top?ps_args=-o pid", ({ containers }) => containers.top(id, "-o pid")],
  [
    "PUT /containers/a/b%20c/archive?path=/x y&copyUIDGID=true tar",
    ({ containers }) => containers.putArchive(id, "/x y", Buffer.from("tar"), { copyUIDGID: true }),
  ],
  [
    'POST /containers/a/b%20c/exec {"Cmd":["true"],"Tty":false}',
    ({ exec }) => exec.create(id, { Cmd: ["true"], Tty: false }),
  ],
  ["GET /exec/a/b%20c/json", ({ exec }) => exec.inspect(id)],
  ["POST /exec/a/b%20c/resize?h=3&w=4", ({ exec }) => exec.resize(id, size)],
  ["GET /images/json", ({ images }) => images.list()],
  [
    "GET /images/json?digests=true&shared-size=true",
    ({ images }) => images.list({ digests: true, sharedSize: true }),
  ],
  ["GET /images/a/b%20c/json", ({ images }) => images.inspect(id)],
  ["GET /images/a/b%20c/history", ({ images }) => images.history(id)],
  [
    "DELETE /images/a/b%20c?force=true&noprune=true",
    ({ images }) => images.remove(id, { force: true, noprune: true }),
  ],
  [
    "POST /images/a/b%20c/tag?repo=r:5000/x&tag=v1",
    ({ images }) => images.tag(id, { repo: "r:5000/x", tag: "v1" }),
  ],
  ["POST /images/a/b%20c/tag?repo=r", ({ images }) => images.tag(id, { repo: "r" })],
  ["POST /images/load?quiet=true tar", ({ images }) => images.load(Buffer.from("tar"))],
  ["GET /images/get?names=a&names=b:1", ({ images }) => images.save(["a", "b:1"])],
  ["GET /system/df?type=image&type=volume", (docker) => docker.diskUsage({ type: types })],
  ["GET /info", (docker) => docker.info()],
];

const size = { height: 3, width: 4 };
const types = ["image", "volume"] as const;

describe("a call asks the engine for", () => {
  test.each(routes)("%s", async (expected, call) => {
    const asked = new Promise<string>((resolve) => {
      engine.handle = (seen, response) => {
        const chunks: Buffer[] = [];
        seen.request.on("data", (chunk: Buffer) => chunks.push(chunk));
        seen.request.on("end", () => {
          const query = [...seen.query].map(([name, value]) => `${name}=${value}`).join("&");
          const body = Buffer.concat(chunks).toString();
          const { method, path } = seen;
          resolve(
            `${method} ${path}${query === "" ? "" : `?${query}`}${body === "" ? "" : ` ${body}`}`,
          );
          json(response, 200, {});
        });
      };
    });
    // Whether that was a reply is another question.
    await call(client).catch((reason) => expect(reason).toBeInstanceOf(DockerError));
    expect(await asked).toBe(expected);
  });
});
