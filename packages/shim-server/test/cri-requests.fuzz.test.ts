import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import {
  type CreateContainerRequest,
  CreateContainerResponseSchema,
  ImageService,
  type RunPodSandboxRequest,
  RunPodSandboxResponseSchema,
  RuntimeService,
} from "@dockershim/cri-types";
import { type FakeDocker, fuzz, startFakeDocker } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { pino } from "pino";
import { type Shim, startShim } from "../src/index.js";
import { type Fields, requestsOf } from "./cri-requests.js";
import { createRawClient, type Outcome, type RawClient } from "./hostile/raw-call.js";
import { isServedOrRefused } from "./hostile/served-or-refused.js";

// Requests of every method, generated from the descriptors, against a daemon on an engine in memory.

const methods: readonly DescMethod[] = [RuntimeService, ImageService].flatMap((service) =>
  // Events have no end.
  service.methods.filter(({ name }) => name !== "GetContainerEvents"),
);

/** What stands for the daemon's own things, whose names are new in each run. */
const [podMark, containerMark, folderMark] = ["p".repeat(64), "c".repeat(64), "/FOLDER"];
const sandboxConfig: Fields = {
  metadata: { name: "new", namespace: "prod", uid: "u2", attempt: 0 },
  logDirectory: `${folderMark}/logs`,
  linux: {},
};
const good: Readonly<Record<string, Fields>> = {
  RunPodSandbox: { config: sandboxConfig },
  CreateContainer: {
    podSandboxId: podMark,
    sandboxConfig,
    config: {
      metadata: { name: "new", attempt: 0 },
      image: { image: "busybox:1" },
      command: ["sleep", "3600"],
      logPath: "new.log",
      linux: {},
    },
  },
};
const named = {
  pod_sandbox_id: [podMark, "f".repeat(64)],
  container_id: [containerMark, "f".repeat(64)],
  id: [podMark, containerMark],
  host_path: [`${folderMark}/volume`],
  container_path: ["/data", "/etc/x"],
  log_directory: [`${folderMark}/logs`],
  image: ["busybox:1", "no/such:image"],
};

/** A request's first byte chooses its method. */
const requests = fc.oneof(
  ...methods.map((method, index) => {
    const known = { podSandboxId: podMark, containerId: containerMark, cmd: ["true"] };
    const fields = method.input.fields.map(({ localName }) => localName);
    const own = Object.entries(known).filter(([name]) => fields.includes(name));
    const arbitrary = requestsOf(method.input, good[method.name] ?? Object.fromEntries(own), named);
    return {
      weight: method.name in good ? 10 : 1,
      arbitrary: arbitrary.map((request) =>
        Buffer.concat([Buffer.from([index]), toBinary(method.input, request)]),
      ),
    };
  }),
);

let dir: string;
let docker: FakeDocker;
let shim: Shim;
let cri: CriClient;
let raw: RawClient;
let pod: { podSandboxId: string; containerId: string } = { podSandboxId: "", containerId: "" };

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "requests-"));
  docker = await startFakeDocker();
  docker.images.add("busybox:1", { Cmd: ["sh"] });
  const options = {
    listen: `unix://${join(dir, "shim.sock")}`,
    rootDir: join(dir, "root"),
    dockerEndpoint: docker.endpoint,
    networkPlugin: "none",
    logMode: "docker",
    restrictOomScoreAdj: "false",
  } as const;
  shim = await startShim(options, pino({ level: "silent" }));
  cri = createCriClient({ endpoint: shim.endpoint });
  raw = createRawClient(join(dir, "shim.sock"));
});
afterAll(async () => {
  await raw.close();
  cri.close();
  await shim.close();
  await docker.close();
  rmSync(dir, { recursive: true, force: true });
});

/** The engine's containers with their states. */
const actual = (): Record<string, string> =>
  Object.fromEntries(docker.containers.all().map(({ name, status }) => [name, status]));

/** One pod with one running container, whatever the last request did to it. */
async function preparePod(): Promise<void> {
  const states = docker.containers.all().map(({ id, status }) => `${id} ${status}`);
  const wanted = [pod.podSandboxId, pod.containerId].map((id) => `${id} running`);
  if (states.length === 2 && wanted.every((state) => states.includes(state))) return;
  for (const { id } of (await cri.runtime.listPodSandbox({})).items) {
    await cri.runtime.removePodSandbox({ podSandboxId: id });
  }
  expect(actual()).toEqual({});
  const metadata = { name: "web", namespace: "prod", uid: "u1", attempt: 0 };
  const config = { metadata, logDirectory: join(dir, "logs"), linux: {} };
  const { podSandboxId } = await cri.runtime.runPodSandbox({ config });
  const { containerId } = await cri.runtime.createContainer({
    podSandboxId,
    sandboxConfig: config,
    config: { metadata: { name: "main", attempt: 0 }, image: { image: "busybox:1" }, linux: {} },
  });
  await cri.runtime.startContainer({ containerId });
  pod = { podSandboxId, containerId };
}

/** The message with what marks stand for; a path that leads out of the test's folder is exchanged for one in it. */
function placed(value: unknown): unknown {
  if (typeof value === "string") {
    const text = value
      .replaceAll(podMark, pod.podSandboxId)
      .replaceAll(containerMark, pod.containerId)
      .replaceAll(folderMark, dir);
    return text.startsWith("/") && !resolve(text).startsWith(dir) ? join(dir, "elsewhere") : text;
  }
  if (Array.isArray(value)) return value.map(placed);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, placed(inner)]));
}

/** A request as it can be sent: its bytes, and its message if they are one. */
function prepare(method: DescMethod, bytes: Uint8Array): { bytes: Uint8Array; request?: Message } {
  let message: Message;
  try {
    message = fromBinary(method.input, bytes);
  } catch {
    return { bytes };
  }
  const request = placed(message) as Message;
  return { bytes: toBinary(method.input, request), request };
}

test("whatever a request says, it is served or refused as its caller's, and leaves nothing half made", async () => {
  await fuzz({
    corpus: join(import.meta.dirname, "corpus/cri-requests"),
    inputs: requests,
    words: ["\0", "../", "__proto__", podMark, containerMark, Buffer.from([0xff, 0xff, 0x7f])],
    broken: "rarely",
    runs: 400,
    async check(input) {
      const method = methods[(input[0] ?? 0) % methods.length] as DescMethod;
      await preparePod();
      const before = actual();
      const { bytes, request } = prepare(method, input.subarray(1));
      const outcome = await raw.call(`/${method.parent.typeName}/${method.name}`, bytes);
      const { code, message } = outcome;
      if (!isServedOrRefused(outcome)) throw new Error(`${method.name}: ${code} ${message}`);
      if (method.name in good) await checkCreation(method, outcome, before, request);
    },
  });
});

async function checkCreation(
  { name }: DescMethod,
  { code, body }: Outcome,
  before: Record<string, string>,
  request: Message | undefined,
): Promise<void> {
  if (code !== 0) {
    expect([name, code, actual()]).toEqual([name, code, before]);
    return;
  }
  expect(Object.keys(actual())).toHaveLength(Object.keys(before).length + 1);
  if (name === "RunPodSandbox") {
    const { config } = request as RunPodSandboxRequest;
    const { podSandboxId } = fromBinary(RunPodSandboxResponseSchema, body.subarray(5));
    const { status } = await cri.runtime.podSandboxStatus({ podSandboxId });
    const { metadata, labels, annotations } = status ?? {};
    expect({ labels, annotations }).toEqual({
      labels: config?.labels,
      annotations: config?.annotations,
    });
    expect(metadata).toMatchObject({ ...config?.metadata });
    expect(await cri.runtime.runPodSandbox(request as RunPodSandboxRequest)).toMatchObject({
      podSandboxId,
    });
    await cri.runtime.removePodSandbox({ podSandboxId });
  } else {
    const { config } = request as CreateContainerRequest;
    const { containerId } = fromBinary(CreateContainerResponseSchema, body.subarray(5));
    const { status } = await cri.runtime.containerStatus({ containerId });
    expect(status?.labels).toEqual(config?.labels);
    expect(status?.annotations).toEqual(config?.annotations);
    expect(status?.metadata).toMatchObject({ ...config?.metadata });
    await cri.runtime.removeContainer({ containerId });
  }
  expect(actual()).toEqual(before);
}
