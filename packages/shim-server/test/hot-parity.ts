import { connect } from "node:net";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import {
  compressionGzip,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { RuntimeService } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";

export type Runtime = Client<typeof RuntimeService>;

/** Two clients of one daemon, whose calls go either way. */
export interface BothWays {
  readonly hot: Runtime;
  /** A compressed request is not answered ahead of the RPC framework. */
  readonly ordinary: Runtime;
  close(): void;
}

/** @param path Of the daemon's socket. */
export function connectBothWays(path: string): BothWays {
  const sessions: Http2SessionManager[] = [];
  function client(compressed: boolean): Runtime {
    const baseUrl = "http://localhost";
    const session = new Http2SessionManager(baseUrl, {}, { createConnection: () => connect(path) });
    sessions.push(session);
    const gzip = { sendCompression: compressionGzip, compressMinBytes: 0 };
    return createClient(
      RuntimeService,
      createGrpcTransport({ baseUrl, sessionManager: session, ...(compressed ? gzip : {}) }),
    );
  }
  return {
    hot: client(false),
    ordinary: client(true),
    close() {
      for (const session of sessions) session.abort();
    },
  };
}

/** What a call gives, be it a reply or an error. */
export async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (reason) {
    const { code, rawMessage } = ConnectError.from(reason);
    return { code, rawMessage };
  }
}

const unknown = "a".repeat(64);

/**
 * Tests that calls have the same answer either way, all but those whose figures move.
 *
 * @param pod Of two pods that run with a container each, one.
 */
export function testParity(
  bothWays: () => BothWays,
  pod: () => { readonly podSandboxId: string; readonly containerId: string },
): void {
  test.each<[string, (runtime: Runtime) => Promise<unknown>]>([
    ["Version", (r) => r.version({})],
    ["ListPodSandbox", (r) => r.listPodSandbox({})],
    ["ListPodSandbox by id", (r) => r.listPodSandbox({ filter: { id: pod().podSandboxId } })],
    [
      "ListPodSandbox by label, none",
      (r) => r.listPodSandbox({ filter: { labelSelector: { no: "pod" } } }),
    ],
    ["ListContainers", (r) => r.listContainers({})],
    [
      "ListContainers of a pod",
      (r) => r.listContainers({ filter: { podSandboxId: pod().podSandboxId } }),
    ],
    ["ListContainers by state", (r) => r.listContainers({ filter: { state: { state: 1 } } })],
    ["ContainerStatus", (r) => r.containerStatus(pod())],
    ["ContainerStatus, verbose", (r) => r.containerStatus({ ...pod(), verbose: true })],
    ["ContainerStatus of none", (r) => r.containerStatus({ containerId: unknown })],
    ["ContainerStatus without id", (r) => r.containerStatus({})],
    ["PodSandboxStatus", (r) => r.podSandboxStatus(pod())],
    ["PodSandboxStatus, verbose", (r) => r.podSandboxStatus({ ...pod(), verbose: true })],
    ["PodSandboxStatus of none", (r) => r.podSandboxStatus({ podSandboxId: unknown })],
    [
      "ContainerStatus by the beginning of its id",
      (r) => r.containerStatus({ containerId: pod().containerId.slice(0, 13) }),
    ],
    ["ListContainerStats of none", (r) => r.listContainerStats({ filter: { id: unknown } })],
    ["PodSandboxStatus of what is no id", (r) => r.podSandboxStatus({ podSandboxId: "ä/%\n" })],
  ])("%s has the same answer either way", async (_what, call) => {
    const { hot, ordinary } = bothWays();
    const first = await outcome(call(hot));
    expect(await outcome(call(hot))).toEqual(first);
    expect(await outcome(call(ordinary))).toEqual(first);
  });
}
