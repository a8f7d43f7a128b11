import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  PodSandboxState,
  PodSandboxStatusRequestSchema,
  type PodSandboxStatusResponse,
  PodSandboxStatusResponseSchema,
} from "@dockershim/cri-types";
import type { ContainerInspect } from "@dockershim/docker-client";
import { expect, test } from "@jest/globals";
import { createHotSandboxStatus } from "../src/pods/hot-replies.js";
import { createSandboxStatus } from "../src/pods/sandbox-status.js";
import { type ContainerRecord, type SandboxRecord, toRecord } from "../src/state/records.js";

const podSandboxId = "a".repeat(64);

/** What Docker tells of a container of the pod, which is named as dockershim and cri-dockerd do. */
function record(id: string, name: string, labels: Record<string, string>): unknown {
  return toRecord({
    Id: id,
    Name: `/k8s_${name}_web_shop_6f1c2d7e_0`,
    Created: "2026-11-23T10:00:00.123456789Z",
    Image: `sha256:${"c".repeat(64)}`,
    State: {
      ...{ Status: "running", Running: true, Paused: false, OOMKilled: false, Pid: 0 },
      ...{ ExitCode: 0, Error: "", StartedAt: "2026-11-23T10:00:01Z" },
      FinishedAt: "0001-01-01T00:00:00Z",
    },
    Config: { Image: "busybox", Labels: labels },
    HostConfig: { NetworkMode: "host" },
    Mounts: [],
  } as unknown as ContainerInspect);
}

const sandbox = record(podSandboxId, "POD", {
  "io.kubernetes.docker.type": "podsandbox",
}) as SandboxRecord;
const container = record("b".repeat(64), "main", {
  "io.kubernetes.docker.type": "container",
  "io.kubernetes.sandbox.id": podSandboxId,
}) as ContainerRecord;

const parts = {
  store: {
    sandbox: (id: string) => (id === podSandboxId ? sandbox : undefined),
    sandboxes: () => [sandbox],
    containersOf: () => [container],
  },
  network: { addresses: () => ["10.0.0.5"] },
  podResources: { get: () => ({}) },
  images: { get: () => undefined, version: 0 },
  unmanagedLimits: { changed: () => undefined },
} as unknown as Parameters<typeof createSandboxStatus>[0] &
  Parameters<typeof createHotSandboxStatus>[0];

async function ordinary(verbose: boolean): Promise<PodSandboxStatusResponse> {
  const request = create(PodSandboxStatusRequestSchema, { podSandboxId, verbose });
  return create(PodSandboxStatusResponseSchema, await createSandboxStatus(parts)(request));
}

async function hot(verbose: boolean): Promise<PodSandboxStatusResponse> {
  const request = create(PodSandboxStatusRequestSchema, { podSandboxId, verbose });
  const bytes = createHotSandboxStatus(parts)(toBinary(PodSandboxStatusRequestSchema, request));
  return fromBinary(PodSandboxStatusResponseSchema, Buffer.concat(bytes));
}

test.each([
  ["the ordinary handler", ordinary, false],
  ["the ordinary handler, verbose", ordinary, true],
  ["the hot one", hot, false],
  ["the hot one, verbose", hot, true],
] as const)(
  "%s sets no timestamp, by which a kubelet with EventedPLEG would take the pod's containers from it",
  async (_, ask, verbose) => {
    const reply = await ask(verbose);
    expect(reply.status).toMatchObject({ id: podSandboxId, state: PodSandboxState.SANDBOX_READY });
    expect(Object.keys(reply.info).length > 0).toBe(verbose);
    expect(reply.timestamp).toBe(0n);
    expect(reply.containersStatuses).toEqual([]);
  },
);
