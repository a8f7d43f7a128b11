import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ContainerState,
  NamespaceMode,
  PodSandboxState,
  SecurityProfile_ProfileType as ProfileType,
} from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

type SandboxConfig = NonNullable<Parameters<Harness["sandboxConfig"]>[0]>;
type SecurityContext = Extract<
  NonNullable<Extract<SandboxConfig["linux"], { $typeName?: never }>["securityContext"]>,
  { $typeName?: never }
>;

describe("a sandbox's config on a real engine", () => {
  let h: Harness;
  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  const run = async (sandbox: SandboxConfig, container = {}) => {
    const pod = await h.runPod({ ...h.sandboxConfig(), ...sandbox }, container);
    const pidOf = async (id: string) => (await h.docker.containers.inspect(id)).State.Pid;
    return { ...pod, pause: await pidOf(pod.podSandboxId), main: await pidOf(pod.containerId) };
  };
  const secure = (securityContext: SecurityContext) => run({ linux: { securityContext } });
  const namespace = (pid: number, kind: string) => readlinkSync(`/proc/${pid}/ns/${kind}`);
  const processField = (pid: number, field: string) =>
    new RegExp(`^${field}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];

  async function inside(containerId: string, script: string): Promise<string> {
    const cmd = ["sh", "-c", script];
    const { stdout } = await h.cri.runtime.execSync({ containerId, cmd, timeout: 10n });
    return new TextDecoder().decode(stdout);
  }

  test("the pause process runs filtered, and can gain no privileges", async () => {
    const { pause } = await run({});
    expect(processField(pause, "Seccomp")).toBe("2");
    expect(processField(pause, "NoNewPrivs")).toBe("1");
  });

  test("a Localhost seccomp profile of the sandbox is read from the node", async () => {
    const localhostRef = join(h.dir, "sandbox.json");
    writeFileSync(localhostRef, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW" }));
    const { pause } = await secure({
      seccomp: { profileType: ProfileType.Localhost, localhostRef },
    });
    expect(processField(pause, "Seccomp")).toBe("2");
    const missing = { profileType: ProfileType.Localhost, localhostRef: `${localhostRef}.none` };
    await expect(secure({ seccomp: missing })).rejects.toThrow(/sandbox\.json\.none/);
  });

  test("an unconfined sandbox has no filter", async () => {
    const { pause } = await secure({ seccomp: { profileType: ProfileType.Unconfined } });
    expect(processField(pause, "Seccomp")).toBe("0");
  });

  test("sysctls and the hostname are those of the whole pod", async () => {
    const { containerId } = await run({
      hostname: "pod-name",
      linux: {
        sysctls: { "net.ipv4.ip_unprivileged_port_start": "80", "kernel.shm_rmid_forced": "1" },
      },
    });
    const files = "/proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced";
    expect(await inside(containerId, `hostname; cat ${files}`)).toBe("pod-name\n80\n1\n");
  });

  test("containers join the pod's network and IPC, and its PID namespace where it is the pod's", async () => {
    const { pause, main } = await run({}, { linux: { securityContext: { namespaceOptions: {} } } });
    for (const kind of ["net", "ipc", "pid"]) {
      expect(namespace(main, kind)).toBe(namespace(pause, kind));
    }
    const pid = NamespaceMode.CONTAINER;
    const own = await run({}, { linux: { securityContext: { namespaceOptions: { pid } } } });
    expect(namespace(own.main, "pid")).not.toBe(namespace(own.pause, "pid"));
    expect(namespace(own.main, "net")).toBe(namespace(own.pause, "net"));
  });

  test("a pod of the node shares its namespaces", async () => {
    const { NODE } = NamespaceMode;
    const securityContext = { namespaceOptions: { network: NODE, pid: NODE, ipc: NODE } };
    const { main, podSandboxId } = await run(
      { linux: { securityContext } },
      { linux: { securityContext } },
    );
    for (const kind of ["net", "ipc", "pid"]) {
      expect(namespace(main, kind)).toBe(namespace(process.pid, kind));
    }
    const { status } = await h.cri.runtime.podSandboxStatus({ podSandboxId });
    expect(status?.linux?.namespaces?.options).toMatchObject({
      network: NODE,
      pid: NODE,
      ipc: NODE,
    });
  });

  test("pause ends the zombies of a pod that shares its processes", async () => {
    const { containerId, pause } = await run(
      {},
      // The inner shell leaves a child behind, whose parent is then the pause process.
      {
        command: ["sh", "-c", "(sh -c 'until test -e /go; do sleep 0.1; done' &); exec sleep 3600"],
      },
    );
    const children = () => readFileSync(`/proc/${pause}/task/${pause}/children`, "utf8").trim();
    await until(() => children() !== "");
    await inside(containerId, "touch /go");
    await until(() => children() === "");
    const { status } = await h.cri.runtime.containerStatus({ containerId });
    expect(status?.state).toBe(ContainerState.CONTAINER_RUNNING);
  });

  test("stopping takes containers, network and pause process down; again is fine", async () => {
    const { podSandboxId, containerId, pause, main } = await run({});
    await h.cri.runtime.stopPodSandbox({ podSandboxId });
    for (const pid of [pause, main]) expect(() => readFileSync(`/proc/${pid}/comm`)).toThrow();
    const container = await h.cri.runtime.containerStatus({ containerId });
    expect(container.status?.state).toBe(ContainerState.CONTAINER_EXITED);
    const { status } = await h.cri.runtime.podSandboxStatus({ podSandboxId });
    expect(status?.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
    await h.cri.runtime.stopPodSandbox({ podSandboxId });
  });
});
