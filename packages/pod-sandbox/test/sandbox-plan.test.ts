import { describe, expect, test } from "@jest/globals";
import { type EngineFacts, planSandbox, type SandboxPlanInput, shimGroupOf } from "../src/index.js";
import { inspected, newest, oldest, sandboxConfig, sandboxInput, thrown } from "./configs.js";

type Init = Parameters<typeof sandboxConfig>[0];

const plan = (init: Init = {}, rest: Partial<SandboxPlanInput> = {}) =>
  planSandbox(sandboxInput(sandboxConfig(init), rest));
const host = (init: Init = {}, rest: Partial<SandboxPlanInput> = {}) =>
  plan(init, rest).body.HostConfig;
const secured = (securityContext: NonNullable<NonNullable<Init>["linux"]>["securityContext"]) => ({
  linux: { securityContext },
});
const on = (engine: Partial<EngineFacts>) => ({ engine: { ...newest, ...engine } });

describe("the plan of a plain sandbox", () => {
  test("is dockershim's pause container", () => {
    const { name, body, warnings } = plan();
    expect(name).toBe("k8s_POD_web_shop_6f1c2d7e_1");
    expect(warnings).toEqual([]);
    const { Labels: _labels, ...rest } = body;
    expect(rest).toEqual({
      Image: "dockershim/pause:1",
      Hostname: "web-0",
      Healthcheck: { Test: ["NONE"] },
      HostConfig: {
        NetworkMode: "none",
        IpcMode: "shareable",
        SecurityOpt: ["no-new-privileges"],
        ShmSize: 67108864,
        RestartPolicy: { Name: "no" },
        Init: false,
        LogConfig: { Type: "none" },
        CpuShares: 2,
        OomScoreAdj: -998,
      },
    });
  });

  test("is made of a checked config only", () => {
    // @ts-expect-error Nobody has checked this one.
    planSandbox({ ...sandboxInput(), config: sandboxConfig() });
  });
});

describe("namespaces of a sandbox", () => {
  test("are the node's where asked for, and the hostname with the network", () => {
    const { body } = plan(secured({ namespaceOptions: { network: 2, pid: 2, ipc: 2 } }));
    expect(body.Hostname).toBeUndefined();
    expect(body.HostConfig).toMatchObject({
      ...{ NetworkMode: "host", UTSMode: "host", PidMode: "host", IpcMode: "host" },
    });
  });

  test("are the node's network where the server has no other to give", () => {
    expect(host({}, { networkMode: "host" })).toMatchObject({ NetworkMode: "host" });
  });

  test.each([0, 1])("are its own with pid mode %d", (pid) => {
    expect(host(secured({ namespaceOptions: { pid } }))).not.toHaveProperty("PidMode");
  });
});

describe("DNS of a sandbox", () => {
  test("goes into HostConfig", () => {
    const dnsConfig = { servers: ["10.0.0.10"], searches: ["a.svc", "svc"], options: ["ndots:5"] };
    expect(host({ dnsConfig })).toMatchObject({
      ...{ Dns: ["10.0.0.10"], DnsSearch: ["a.svc", "svc"], DnsOptions: ["ndots:5"] },
    });
  });

  test("keeps the node's search list out where CRI gives none", () => {
    expect(host({ dnsConfig: { servers: ["10.0.0.10"] } }).DnsSearch).toEqual(["."]);
  });

  test.each([undefined, {}])("is Docker's where CRI says %j", (dnsConfig) => {
    const config = host(dnsConfig ? { dnsConfig } : {});
    expect(config).not.toHaveProperty("Dns");
    expect(config).not.toHaveProperty("DnsSearch");
  });
});

describe("security of a sandbox", () => {
  test.each<[string, Parameters<typeof secured>[0], object]>([
    ["user", { runAsUser: { value: 1000n } }, { User: "1000" }],
    [
      "user and group",
      { runAsUser: { value: 1000n }, runAsGroup: { value: 0n } },
      { User: "1000:0" },
    ],
    ["strict groups", { runAsUser: { value: 5n }, supplementalGroupsPolicy: 1 }, { User: "5:0" }],
  ])("has %s", (_what, context, expected) => {
    expect(plan(secured(context)).body).toMatchObject(expected);
  });

  test.each<[string, Parameters<typeof secured>[0], object]>([
    ["groups", { supplementalGroups: [3n, 4n, 3n] }, { GroupAdd: ["3", "4"] }],
    ["a read-only root", { readonlyRootfs: true }, { ReadonlyRootfs: true }],
    [
      "SELinux",
      { selinuxOptions: { type: "t", level: "s0:c1,c2" } },
      { SecurityOpt: ["no-new-privileges", "label=type:t", "label=level:s0:c1,c2"] },
    ],
    [
      "seccomp unconfined",
      { seccomp: { profileType: 1 } },
      { SecurityOpt: ["no-new-privileges", "seccomp=unconfined"] },
    ],
    [
      "seccomp unconfined by the old field",
      { seccompProfilePath: "unconfined" },
      { SecurityOpt: ["no-new-privileges", "seccomp=unconfined"] },
    ],
    ["default seccomp", { seccomp: { profileType: 0 } }, { SecurityOpt: ["no-new-privileges"] }],
    [
      "AppArmor",
      { apparmor: { profileType: 2, localhostRef: "lock" } },
      { SecurityOpt: ["no-new-privileges", "apparmor=lock"] },
    ],
    [
      "privilege, which leaves no profile in force",
      { privileged: true, apparmor: { profileType: 2, localhostRef: "lock" } },
      { Privileged: true, SecurityOpt: ["no-new-privileges", "seccomp=unconfined"] },
    ],
  ])("has %s", (_what, context, expected) => {
    expect(host(secured(context))).toMatchObject(expected);
  });

  test("uses the pause process's own seccomp profile in place of the engine's default", () => {
    const seccompProfile = '{\n "defaultAction": "SCMP_ACT_ERRNO" }';
    const expected = ["no-new-privileges", 'seccomp={"defaultAction":"SCMP_ACT_ERRNO"}'];
    expect(host({}, { seccompProfile }).SecurityOpt).toEqual(expected);
    const silent = host(secured({}), { seccompProfile });
    expect(silent.SecurityOpt).toEqual(expected);
    const without = host({}, { seccompProfile, ...on({ seccomp: false }) });
    expect(without.SecurityOpt).toEqual(["no-new-privileges"]);
    const unconfined = host(secured({ seccomp: { profileType: 1 } }), { seccompProfile });
    expect(unconfined.SecurityOpt).toEqual(["no-new-privileges", "seccomp=unconfined"]);
  });

  test("inlines a Localhost seccomp profile and misses it when it was not read", () => {
    const context = secured({ seccomp: { profileType: 2, localhostRef: "/p.json" } });
    expect(host(context, { seccompProfile: "{}" }).SecurityOpt).toContain("seccomp={}");
    expect(thrown(() => host(context))).toMatchObject({
      field: "config.linux.security_context.seccomp.localhost_ref",
    });
  });
});

describe("a sandbox's place on the engine", () => {
  test("is its cgroup parent in the driver's spelling", () => {
    const systemd = { linux: { cgroupParent: "/kubepods.slice/kubepods-burstable.slice/" } };
    expect(host(systemd).CgroupParent).toBe("kubepods-burstable.slice");
    const cgroupfs = { linux: { cgroupParent: "/kubepods/burstable/pod1" } };
    expect(host(cgroupfs, { engine: oldest }).CgroupParent).toBe("/kubepods/burstable/pod1");
    expect(host({ linux: {} })).not.toHaveProperty("CgroupParent");
  });

  test("is refused where the kubelet's cgroup driver is not the engine's", () => {
    const error = thrown(() => host({ linux: { cgroupParent: "/kubepods/burstable/pod1" } }));
    expect(error).toMatchObject({
      code: "failed_precondition",
      field: "config.linux.cgroup_parent",
    });
  });

  test.each(["", "docker"])("is the default runtime for handler %j", (runtimeHandler) => {
    expect(host({}, { runtimeHandler })).not.toHaveProperty("Runtime");
  });

  test("is the runtime of the handler, and unknown ones are refused", () => {
    expect(host({}, { runtimeHandler: "kata" }).Runtime).toBe("kata");
    const error = thrown(() => host({}, { runtimeHandler: "gvisor" }));
    expect(error).toMatchObject({ code: "invalid_argument", field: "runtime_handler" });
  });

  test("passes annotations to a chosen runtime only", () => {
    const annotations = { "io.katacontainers.x": "1" };
    const chosen = host({ annotations }, { runtimeHandler: "kata" });
    expect(chosen.Annotations).toEqual(annotations);
    expect(host({ annotations })).not.toHaveProperty("Annotations");
    const old = host({ annotations }, { runtimeHandler: "kata", ...on({ apiVersion: "1.42" }) });
    expect(old).not.toHaveProperty("Annotations");
  });

  test.each([
    ["org.systemd.property.User", "'root'"],
    ["org.criu.config", "/var/lib/kubelet/pods/1/volumes/kubernetes.io~empty-dir/x/criu.conf"],
    ["io.containerd.runc.v2.group", "another-pod"],
    ["io.kubernetes.cri.sandbox-id", "another-pod"],
  ])("passes no annotation that runc or its shim obeys as root: %s", (key, value) => {
    const annotations = { [key]: value, plain: "1" };
    const chosen = host({ annotations }, { runtimeHandler: "kata" });
    expect(chosen.Annotations).toEqual({ plain: "1" });
  });

  test("has a shim with its containers where it is to, by the default runtime", () => {
    const Annotations = { "io.containerd.runc.v2.group": "g1" };
    const shimGroup = "g1";
    const grouped = inspected(planSandbox(sandboxInput(sandboxConfig(), { shimGroup })));
    expect(grouped.HostConfig).toMatchObject({ Annotations });
    expect(shimGroupOf(grouped)).toBe("g1");
    expect(shimGroupOf(inspected(planSandbox(sandboxInput())))).toBeUndefined();
    expect(host({}, { shimGroup, ...on({ apiVersion: "1.42" }) })).not.toHaveProperty(
      "Annotations",
    );
    expect(host({}, { shimGroup, runtimeHandler: "kata" })).not.toHaveProperty("Annotations");
  });

  test("has its sysctls", () => {
    const sysctls = { "kernel.shm_rmid_forced": "1", "net.ipv4.ip_unprivileged_port_start": "0" };
    expect(host({ linux: { sysctls } }).Sysctls).toEqual(sysctls);
  });

  test("keeps its oom_score_adj where the engine can set it, and says so where not", () => {
    const { body, warnings } = plan({}, on({ minOomScoreAdj: -500 }));
    expect(body.HostConfig.OomScoreAdj).toBe(-500);
    expect(warnings).toEqual([expect.stringContaining("-998 is raised to -500")]);
  });
});
