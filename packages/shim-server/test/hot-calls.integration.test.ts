import { connect } from "node:net";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import {
  compressionGzip,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { RuntimeService } from "@dockershim/cri-types";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

type Runtime = Client<typeof RuntimeService>;

// A compressed request is not answered ahead of the RPC framework, so the same call can be made
// both ways and must get the same answer.
describe("calls that are answered ahead of the RPC framework", () => {
  let h: Harness;
  let hot: Runtime;
  let ordinary: Runtime;
  const sessions: Http2SessionManager[] = [];
  let pod: { podSandboxId: string; containerId: string };

  function client(compressed: boolean): Runtime {
    const path = (h.options.listen ?? "").replace("unix://", "");
    const baseUrl = "http://localhost";
    const session = new Http2SessionManager(baseUrl, {}, { createConnection: () => connect(path) });
    sessions.push(session);
    const gzip = { sendCompression: compressionGzip, compressMinBytes: 0 };
    return createClient(
      RuntimeService,
      createGrpcTransport({ baseUrl, sessionManager: session, ...(compressed ? gzip : {}) }),
    );
  }

  beforeAll(async () => {
    h = await createHarness();
    hot = client(false);
    ordinary = client(true);
    pod = await h.runPod();
    await h.runPod();
  });
  afterAll(async () => {
    for (const session of sessions) session.abort();
    await h.close();
  });

  async function outcome(call: Promise<unknown>): Promise<unknown> {
    try {
      return await call;
    } catch (reason) {
      const { code, rawMessage } = ConnectError.from(reason);
      return { code, rawMessage };
    }
  }

  const unknown = "a".repeat(64);
  test.each<[string, (runtime: Runtime) => Promise<unknown>]>([
    ["Version", (r) => r.version({})],
    ["ListPodSandbox", (r) => r.listPodSandbox({})],
    ["ListPodSandbox by id", (r) => r.listPodSandbox({ filter: { id: pod.podSandboxId } })],
    [
      "ListPodSandbox by label, none",
      (r) => r.listPodSandbox({ filter: { labelSelector: { no: "pod" } } }),
    ],
    ["ListContainers", (r) => r.listContainers({})],
    [
      "ListContainers of a pod",
      (r) => r.listContainers({ filter: { podSandboxId: pod.podSandboxId } }),
    ],
    ["ListContainers by state", (r) => r.listContainers({ filter: { state: { state: 1 } } })],
    ["ContainerStatus", (r) => r.containerStatus(pod)],
    ["ContainerStatus, verbose", (r) => r.containerStatus({ ...pod, verbose: true })],
    ["ContainerStatus of none", (r) => r.containerStatus({ containerId: unknown })],
    ["ContainerStatus without id", (r) => r.containerStatus({})],
    ["PodSandboxStatus", (r) => r.podSandboxStatus(pod)],
    ["PodSandboxStatus, verbose", (r) => r.podSandboxStatus({ ...pod, verbose: true })],
    ["PodSandboxStatus of none", (r) => r.podSandboxStatus({ podSandboxId: unknown })],
    [
      "ContainerStatus by the beginning of its id",
      (r) => r.containerStatus({ containerId: pod.containerId.slice(0, 13) }),
    ],
    ["ListContainerStats of none", (r) => r.listContainerStats({ filter: { id: unknown } })],
    ["PodSandboxStatus of what is no id", (r) => r.podSandboxStatus({ podSandboxId: "ä/%\n" })],
  ])("%s has the same answer either way", async (_what, call) => {
    const first = await outcome(call(hot));
    expect(await outcome(call(hot))).toEqual(first);
    expect(await outcome(call(ordinary))).toEqual(first);
  });

  // Its figures move between two readings; all else is the same, field by field.
  test("ListContainerStats has the same containers and fields either way", async () => {
    const read = async (runtime: Runtime): Promise<unknown> => {
      const { stats } = await runtime.listContainerStats({});
      return stats.map((stat) => withoutFigures(stat));
    };
    const first = await read(hot);
    expect(first).toHaveLength(2);
    expect(await read(ordinary)).toEqual(first);
  });
});

/** A message with its numbers left out, all but the names of what is there. */
function withoutFigures(value: unknown): unknown {
  if (typeof value === "bigint" || typeof value === "number") return "figure";
  if (Array.isArray(value)) return value.map(withoutFigures);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, withoutFigures(of)]));
}

test("calls that run when the daemon is told to stop are finished, and later ones refused", async () => {
  const h = await createHarness();
  try {
    const { containerId } = await h.runPod();
    const slow = h.cri.runtime.execSync({
      containerId,
      cmd: ["sh", "-c", "sleep 1; echo done"],
      timeout: 10n,
    });
    // The exec runs for certain once a later call has been answered.
    await h.cri.runtime.containerStatus({ containerId });
    const stopped = h.stop();
    expect(new TextDecoder().decode((await slow).stdout)).toBe("done\n");
    await stopped;
    await expect(h.cri.runtime.version({})).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await h.restart();
  } finally {
    await h.close();
  }
});
