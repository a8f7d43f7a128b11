import { NamespaceMode, PodSandboxState } from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import {
  PodSandboxError,
  planSandbox,
  sandboxRuntimeHandler,
  toPodSandbox,
  toPodSandboxStatus,
  toVerboseInfo,
} from "../src/index.js";
import { inspected, podMetadata, running, sandboxConfig, sandboxInput, thrown } from "./configs.js";

type Init = Parameters<typeof sandboxConfig>[0];

const made = (init: Init = {}, runtimeHandler = "") =>
  planSandbox(sandboxInput(sandboxConfig(init), { runtimeHandler }));
const createdAt = BigInt(Date.UTC(2026, 10, 23, 10)) * 1_000_000n + 123_456_789n;

describe("the status of a sandbox", () => {
  test("gives back what it was asked for", () => {
    const init: Init = {
      labels: { app: "web" },
      annotations: { a: "b" },
      linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } },
    };
    const inspect = inspected(made(init, "kata"), running);
    const ips = ["10.1.0.5", "fd00::5"];
    const common = {
      ...{ id: "c0ffee", createdAt, metadata: podMetadata, runtimeHandler: "kata" },
      ...{ labels: { app: "web" }, annotations: { a: "b" }, state: PodSandboxState.SANDBOX_READY },
    };
    expect(toPodSandbox({ inspect, ips })).toMatchObject(common);
    expect(toPodSandboxStatus({ inspect, ips })).toMatchObject({
      ...common,
      network: { ip: "10.1.0.5", additionalIps: [{ ip: "fd00::5" }] },
      linux: { namespaces: { options: { network: 0, pid: NamespaceMode.CONTAINER, ipc: 0 } } },
    });
  });

  test("is not ready without a running pause process", () => {
    expect(toPodSandbox({ inspect: inspected(made()) }).state).toBe(
      PodSandboxState.SANDBOX_NOTREADY,
    );
    const exited = inspected(made(), { Status: "exited", FinishedAt: "2026-11-23T11:00:00Z" });
    expect(toPodSandboxStatus({ inspect: exited }).state).toBe(PodSandboxState.SANDBOX_NOTREADY);
  });

  test("has no IP on the node's network or before the network is up", () => {
    const network = { namespaceOptions: { network: NamespaceMode.NODE } };
    const host = inspected(made({ linux: { securityContext: network } }), running);
    expect(toPodSandboxStatus({ inspect: host, ips: ["10.0.0.1"] }).network?.ip).toBe("");
    expect(toPodSandboxStatus({ inspect: inspected(made()) }).network).toMatchObject({
      ...{ ip: "", additionalIps: [] },
    });
  });

  test("of cri-dockerd's sandbox is read from name, labels and namespaces", () => {
    const inspect = inspected(made(), running);
    inspect.Config.Labels = { app: "web", "io.kubernetes.docker.type": "podsandbox" };
    inspect.HostConfig = { NetworkMode: "host", PidMode: "host", IpcMode: "shareable" };
    expect(toPodSandboxStatus({ inspect, ips: ["10.0.0.1"] })).toMatchObject({
      metadata: podMetadata,
      labels: { app: "web" },
      network: { ip: "" },
      linux: { namespaces: { options: { network: 2, pid: 2, ipc: 0 } } },
    });
  });

  test("of a container that is no sandbox is an error", () => {
    const error = thrown(() =>
      toPodSandbox({ inspect: { ...inspected(made()), Name: "/db", Config: {} } }),
    );
    expect(error).toBeInstanceOf(PodSandboxError);
    expect(error).toMatchObject({ field: "pod_sandbox_id" });
  });
});

describe("the runtime handler of a sandbox", () => {
  test.each(["", "docker", "kata"])("%j is told as it was asked for", (handler) => {
    expect(sandboxRuntimeHandler(inspected(made({}, handler)))).toBe(handler);
  });

  test.each([
    ["runc", ""],
    ["kata", "kata"],
    [undefined, ""],
  ])("of another shim's with runtime %j is %j", (Runtime, expected) => {
    const inspect = { ...inspected(made()), Config: { Labels: null }, HostConfig: { Runtime } };
    expect(sandboxRuntimeHandler(inspect)).toBe(expected);
  });
});

describe("verbose info", () => {
  test("of a sandbox is JSON with what an operator looks for", () => {
    const inspect = inspected(made({ dnsConfig: { servers: ["10.0.0.10"] } }), running);
    const { info = "" } = toVerboseInfo(inspect, { cni: { ifname: "eth0" } });
    expect(JSON.parse(info)).toMatchObject({
      ...{ pid: 4711, sandboxID: "c0ffee", dockerName: "k8s_POD_web_shop_6f1c2d7e_1" },
      config: { dnsConfig: { servers: ["10.0.0.10"] } },
      cni: { ifname: "eth0" },
    });
  });

  test("does without a record", () => {
    const inspect = { ...inspected(made()), Config: { Labels: { "io.dockershim.record": "{" } } };
    expect(JSON.parse(toVerboseInfo(inspect).info ?? "")).toMatchObject({ pid: 0 });
  });
});
