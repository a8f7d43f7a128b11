import { describe, expect, test } from "@jest/globals";
import {
  applyUserNamespace,
  type EngineFacts,
  findUserNamespaces,
  planContainer,
  planSandbox,
  readSpecPatch,
  type UserNamespaceEvidence,
} from "../src/index.js";
import {
  containerConfig,
  containerInput,
  newest,
  sandboxConfig,
  sandboxInput,
  thrown,
} from "./configs.js";

const ids = { containerId: 0, hostId: 70_000, length: 65_536 };
const mapped = [{ containerID: 0, hostID: 70_000, size: 65_536 }];
const namespaceOptions = { usernsOptions: { uids: [ids], gids: [ids] } };
const linux = { securityContext: { namespaceOptions } };
const able: EngineFacts = {
  ...newest,
  specHook: { runtime: "io.example.hook.v2" },
  userNamespaces: { possible: true },
};
const field = "config.linux.security_context.namespace_options.userns_options";

describe("the plan of a pod with a user namespace", () => {
  const sandbox = (engine: EngineFacts) =>
    planSandbox(sandboxInput(sandboxConfig({ linux }), { engine }));
  const pod = () => sandboxConfig({ linux }).linux?.securityContext?.namespaceOptions;
  const container = (init: object = {}, { joins = true } = {}) =>
    planContainer(
      containerInput(containerConfig(init), {
        engine: able,
        sandbox: { id: "5and80x", runtimeHandler: "", namespaceOptions: joins ? pod() : undefined },
      }),
    );

  test("makes it with the sandbox", () => {
    const { body, specPatch } = sandbox(able);
    expect(specPatch).toEqual({ userNamespace: { uids: mapped, gids: mapped } });
    expect(readSpecPatch({ Config: { Labels: body.Labels } })).toEqual(specPatch);
    expect(body.HostConfig.Runtime).toBe("io.example.hook.v2");
  });

  test.each<[string, EngineFacts, RegExp]>([
    ["without a hook", { ...able, specHook: { problem: "none there" } }, /none there/],
    ["that cannot", { ...able, userNamespaces: { problem: "old kernel" } }, /old kernel/],
    ["where nobody looked", newest, /not searched/],
  ])("is refused on a node %s", (_what, engine, reason) => {
    expect(thrown(() => sandbox(engine))).toMatchObject({
      code: "unimplemented",
      field,
      reason: expect.stringMatching(reason),
    });
  });

  test.each([
    ["says so too", { linux }],
    ["says nothing", {}],
  ])("has a container that %s join the sandbox's", (_what, init) => {
    expect(container(init).specPatch).toEqual({
      userNamespace: { uids: mapped, gids: mapped, sandbox: "5and80x" },
    });
  });

  test("maps the mounts that are to be mapped", () => {
    const mounts = [
      { hostPath: "/a", containerPath: "/mapped/", uidMappings: [ids], gidMappings: [ids] },
      { hostPath: "/b", containerPath: "/plain" },
    ];
    expect(container({ mounts }).specPatch?.mountMappings).toEqual({
      "/mapped": { uidMappings: mapped, gidMappings: mapped },
    });
  });

  test("refuses a container with one in a pod without", () => {
    expect(thrown(() => container({ linux }, { joins: false }))).toMatchObject({
      code: "invalid_argument",
      field,
    });
  });
});

describe("a spec in a user namespace", () => {
  const spec = {
    root: { path: "/docker/merged", readonly: true },
    mounts: [
      { destination: "/v", type: "bind", source: "/docker/volumes/x/_data" },
      { destination: "/etc/resolv.conf", type: "bind", source: "/docker/containers/c/resolv.conf" },
      { destination: "/w", type: "bind", source: "/docker/volumes-of-others" },
      { destination: "/dev/shm", type: "bind", source: "/docker/containers/c/mounts/shm" },
      { destination: "/x", type: "bind", source: "/other/volumes/x" },
      { destination: "/proc", type: "proc", source: "proc" },
    ],
    linux: {
      namespaces: [{ type: "mount" }],
      sysctl: {
        "net.ipv4.ping_group_range": "0 2147483647",
        "net.ipv4.ip_unprivileged_port_start": "0",
      },
    },
  };
  const facts = { root: "/bundle/rootfs", engineRoot: "/docker" };

  test("has its own root folder, ids, and what the engine makes by itself mapped", () => {
    const before = structuredClone(spec);
    expect(applyUserNamespace(spec, { uids: mapped, gids: mapped }, facts)).toEqual({
      root: { path: "/bundle/rootfs", readonly: true },
      mounts: [
        { ...spec.mounts[0], uidMappings: mapped, gidMappings: mapped },
        { ...spec.mounts[1], uidMappings: mapped, gidMappings: mapped },
        ...spec.mounts.slice(2),
      ],
      linux: {
        uidMappings: mapped,
        gidMappings: mapped,
        namespaces: [{ type: "mount" }, { type: "user" }],
        // All groups that there are.
        sysctl: { ...spec.linux.sysctl, "net.ipv4.ping_group_range": "0 65535" },
      },
    });
    expect(spec).toEqual(before);
  });

  test("joins the one of the sandbox, and keeps what the pod asked for", () => {
    const asked = { ...spec, linux: { sysctl: { "net.ipv4.ping_group_range": "5 6" } } };
    expect(
      applyUserNamespace(asked, { uids: mapped, gids: mapped }, { ...facts, sandboxPid: 42 }).linux,
    ).toMatchObject({
      namespaces: [{ type: "user", path: "/proc/42/ns/user" }],
      sysctl: { "net.ipv4.ping_group_range": "5 6" },
    });
  });
});

describe("user namespaces of a node", () => {
  const evidence: UserNamespaceEvidence = {
    specHook: { runtime: "r" },
    remapped: false,
    storageDriver: "overlay2",
    kernel: "6.3.0-1-amd64",
    idMappedMounts: true,
    closedFolder: undefined,
    sameMounts: true,
  };

  test.each<[string, Partial<UserNamespaceEvidence>]>([
    ["overlay2", {}],
    ["containerd's overlayfs", { storageDriver: "overlayfs" }],
    ["a kernel of the next major version", { kernel: "7.0-rc1" }],
  ])("are possible with %s", (_what, changes) => {
    expect(findUserNamespaces({ ...evidence, ...changes })).toEqual({ possible: true });
  });

  test.each<[Partial<UserNamespaceEvidence>, RegExp]>([
    [{ specHook: { problem: "nowhere" } }, /spec hook: nowhere/],
    [{ remapped: true }, /maps the ids of all/],
    [{ storageDriver: "zfs" }, /zfs/],
    [{ kernel: "6.2.16" }, /6\.2\.16; it needs 6\.3/],
    [{ kernel: "5.15" }, /it needs 6\.3/],
    [{ idMappedMounts: false }, /runc 1\.2/],
    [{ idMappedMounts: undefined }, /runc 1\.2/],
    [{ closedFolder: "/run/x" }, /\/run\/x/],
    [{ sameMounts: false }, /mount namespace/],
  ])("are not with %j", (changes, problem) => {
    expect(findUserNamespaces({ ...evidence, ...changes })).toEqual({
      problem: expect.stringMatching(problem),
    });
  });
});
