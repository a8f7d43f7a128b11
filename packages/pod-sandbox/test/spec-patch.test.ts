import { describe, expect, test } from "@jest/globals";
import {
  applySpecPatch,
  type EngineFacts,
  findSpecHook,
  joinSpecPatches,
  planContainer,
  readSpecPatch,
  SPEC_PATCH_LABEL,
  type SpecHookEvidence,
  type SpecPatch,
} from "../src/index.js";
import { containerConfig, containerInput, newest, thrown } from "./configs.js";

const spec = {
  ociVersion: "1.2.0",
  process: { args: ["sh"], rlimits: [{ type: "RLIMIT_NOFILE", hard: 10, soft: 5 }] },
  hooks: { prestart: [{ path: "/docker-init-network" }] },
  mounts: [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/data", type: "bind", source: "/srv", options: ["rbind", "ro"] },
  ],
  linux: {
    namespaces: [{ type: "mount" }, { type: "network", path: "/proc/1/ns/net" }],
    resources: { memory: { limit: 7 }, unified: { "memory.high": "1" } },
    cgroupsPath: "/a/b",
  },
};

describe("a patch of an OCI spec", () => {
  test.each<[string, SpecPatch, object]>([
    ["of nothing changes nothing", {}, {}],
    [
      "merges objects and leaves what it does not name",
      { merge: { linux: { resources: { unified: { "memory.min": "2" } } } } },
      {
        linux: {
          ...spec.linux,
          resources: { memory: { limit: 7 }, unified: { "memory.high": "1", "memory.min": "2" } },
        },
      },
    ],
    [
      "adds what is not there at all",
      { merge: { process: { ioPriority: { class: "IOPRIO_CLASS_IDLE", priority: 0 } } } },
      { process: { ...spec.process, ioPriority: { class: "IOPRIO_CLASS_IDLE", priority: 0 } } },
    ],
    [
      "puts an entry of a list in the place of the one of its name",
      {
        merge: {
          process: {
            rlimits: [
              { type: "RLIMIT_CORE", hard: 0, soft: 0 },
              { type: "RLIMIT_NOFILE", hard: 3, soft: 3 },
            ],
          },
          linux: { namespaces: [{ type: "time" }, { type: "network", path: "/run/netns/a" }] },
        },
      },
      {
        process: {
          args: ["sh"],
          rlimits: [
            { type: "RLIMIT_NOFILE", hard: 3, soft: 3 },
            { type: "RLIMIT_CORE", hard: 0, soft: 0 },
          ],
        },
        linux: {
          ...spec.linux,
          namespaces: [
            { type: "mount" },
            { type: "network", path: "/run/netns/a" },
            { type: "time" },
          ],
        },
      },
    ],
    [
      "adds hooks to those of the engine",
      { merge: { hooks: { prestart: [{ path: "/mine" }], poststop: [{ path: "/last" }] } } },
      {
        hooks: {
          prestart: [{ path: "/docker-init-network" }, { path: "/mine" }],
          poststop: [{ path: "/last" }],
        },
      },
    ],
    [
      "adds options to a mount",
      { mountOptions: { "/data": ["noexec", "nodev"] } },
      {
        mounts: [
          spec.mounts[0],
          {
            destination: "/data",
            type: "bind",
            source: "/srv",
            options: ["rbind", "ro", "noexec", "nodev"],
          },
        ],
      },
    ],
    [
      "keeps a key that is no ordinary one",
      { merge: { annotations: JSON.parse('{"__proto__":"x"}') } },
      { annotations: JSON.parse('{"__proto__":"x"}') },
    ],
  ])("%s", (_what, patch, changed) => {
    const before = structuredClone(spec);
    expect(applySpecPatch(spec, patch)).toEqual({ ...spec, ...changed });
    expect(spec).toEqual(before);
  });

  test("takes a key away by null", () => {
    const annotated = applySpecPatch(
      { annotations: { a: "1", b: "2" } },
      { merge: { annotations: { a: null } } },
    );
    expect(annotated).toEqual({ annotations: { b: "2" } });
  });

  test("fails for options of a mount that is not there", () => {
    expect(() => applySpecPatch(spec, { mountOptions: { "/other": ["noexec"] } })).toThrow(
      "no mount at /other",
    );
  });

  test("joined with another one does what both do, one after the other", () => {
    const first: SpecPatch = {
      merge: { annotations: { a: "1", b: "1" }, hooks: { poststop: [{ path: "/1" }] } },
      mountOptions: { "/data": ["noexec"] },
    };
    const second: SpecPatch = {
      merge: { annotations: { a: null, b: "2" }, hooks: { poststop: [{ path: "/2" }] } },
      mountOptions: { "/data": ["nodev"], "/proc": ["ro"] },
    };
    const annotated = { ...spec, annotations: { a: "0", c: "0" } };
    expect(applySpecPatch(annotated, joinSpecPatches(first, second))).toEqual(
      applySpecPatch(applySpecPatch(annotated, first), second),
    );
  });
});

const hooked: EngineFacts = { ...newest, specHook: { runtime: "io.example.hook.v2" } };
const hookless: EngineFacts = { ...newest, specHook: { problem: "nobody installed it" } };
const mount = (mountOptions: string[], containerPath = "/data") => ({
  mounts: [{ hostPath: "/srv", containerPath, mountOptions }],
});
const limited = (resources: object) => ({ linux: { resources } });
const plan = (init: object, engine = hooked, rest: object = {}) =>
  planContainer(containerInput(containerConfig(init), { engine, ...rest }));

describe("the plan of a container whose spec is changed", () => {
  test.each<[string, object, SpecPatch]>([
    ["options of a mount", mount(["noexec"]), { mountOptions: { "/data": ["noexec"] } }],
    [
      "options of a mount with a loose path",
      mount(["nodev", "nosuid"], "//data/"),
      { mountOptions: { "/data": ["nodev", "nosuid"] } },
    ],
    [
      "a limit of huge pages, and none of another size",
      limited({
        hugepageLimits: [
          { pageSize: "2MB", limit: 4194304n },
          { pageSize: "1GB", limit: 0n },
        ],
      }),
      {
        merge: {
          linux: {
            resources: {
              hugepageLimits: [
                { pageSize: "2MB", limit: 4194304 },
                { pageSize: "1GB", limit: 0 },
              ],
            },
          },
        },
      },
    ],
    [
      "files of the cgroup",
      limited({ unified: { "memory.high": "5000", "memory.min": "0" } }),
      { merge: { linux: { resources: { unified: { "memory.high": "5000" } } } } },
    ],
  ])("has a patch for %s, and the runtime that applies it", (_what, init, patch) => {
    const { specPatch, body } = plan(init);
    expect(specPatch).toEqual(patch);
    expect(body.HostConfig.Runtime).toBe("io.example.hook.v2");
    expect(readSpecPatch({ Config: { Labels: body.Labels } })).toEqual(patch);
  });

  test.each<[string, object]>([
    ["nothing", {}],
    ["no huge pages", limited({ hugepageLimits: [{ pageSize: "2MB", limit: 0n }] })],
    ["files as a new cgroup has them", limited({ unified: { "memory.high": "max" } })],
    [
      "more huge pages than JSON can say",
      limited({ hugepageLimits: [{ pageSize: "2MB", limit: (1n << 64n) - 1n }] }),
    ],
  ])("has neither for a container that asks for %s", (_what, init) => {
    const { specPatch, body } = plan(init);
    expect(specPatch).toBeUndefined();
    expect(body.HostConfig.Runtime).toBeUndefined();
    expect(body.Labels).not.toHaveProperty([SPEC_PATCH_LABEL]);
  });

  test("takes up what others want in the spec", () => {
    const extra: SpecPatch = { merge: { annotations: { who: "nri" } } };
    expect(plan(mount(["nodev"]), hooked, { specPatch: extra }).specPatch).toEqual({
      ...extra,
      mountOptions: { "/data": ["nodev"] },
    });
  });

  const priority: SpecPatch = {
    merge: { process: { ioPriority: { class: "IOPRIO_CLASS_IDLE", priority: 0 } } },
  };
  const knowing = (ociVersion?: string): EngineFacts => ({
    ...newest,
    specHook: { runtime: "io.example.hook.v2", ociVersion },
  });

  test("has what its runtime knows", () => {
    expect(plan({}, knowing("1.1.0"), { specPatch: priority }).specPatch).toEqual(priority);
  });

  test.each([
    [
      "an older one",
      "1.0.2-dev",
      priority,
      /process\.ioPriority .*1\.1; this one knows 1\.0\.2-dev/,
    ],
    ["one that does not tell", undefined, priority, /does not tell/],
    [
      "one that knows something else",
      "1.2.1",
      { merge: { linux: { netDevices: { eth1: {} } } } },
      /linux\.netDevices .*1\.3/,
    ],
  ])("refuses what the runtime would pass over: %s", (_what, version, specPatch, reason) => {
    expect(thrown(() => plan({}, knowing(version), { specPatch }))).toMatchObject({
      code: "unimplemented",
      reason: expect.stringMatching(reason),
    });
  });

  test("writes limits afterwards where there is no hook", () => {
    const { specPatch, body, cgroupWrites } = plan(
      limited({ unified: { "memory.high": "5000" } }),
      hookless,
    );
    expect({ specPatch, runtime: body.HostConfig.Runtime }).toEqual({});
    expect(cgroupWrites).toHaveLength(1);
  });

  test.each<[string, EngineFacts, object, RegExp]>([
    ["there is none", hookless, {}, /nobody installed it/],
    ["nobody looked for one", newest, {}, /not searched/],
    [
      "the pod has a runtime of its own",
      hooked,
      { sandbox: { id: "5and80x", runtimeHandler: "kata" } },
      /"kata" has a runtime of its own/,
    ],
  ])("refuses what only the hook can do where %s", (_what, engine, rest, reason) => {
    const error = thrown(() => plan(mount(["noexec"]), engine, rest));
    expect(error).toMatchObject({
      code: "unimplemented",
      field: "config.mounts[0].mount_options",
      reason: expect.stringMatching(reason),
    });
  });
});

describe("the spec hook of a node", () => {
  const evidence: SpecHookEvidence = {
    apiVersion: "1.42",
    runtimes: { runc: { path: "runc" } },
    canRun: (path) => path !== "/gone/dockershim-runc",
    defaultRuntime: "runc",
    cgroupDriver: "cgroupfs",
    shimRuntime: "io.containerd.dockershim.v2",
    shimFound: true,
    wrapper: "dockershim-runc",
  };
  const entry = { runtimes: { runc: {}, mine: { path: "/usr/bin/dockershim-runc" } } };

  test.each<[string, Partial<SpecHookEvidence>, string]>([
    ["a shim of containerd's", {}, "io.containerd.dockershim.v2"],
    ["a runtime in daemon.json", entry, "mine"],
    [
      "the one whose program is there",
      { runtimes: { old: { path: "/gone/dockershim-runc" }, ...entry.runtimes } },
      "mine",
    ],
    ["such a runtime on an old engine", { ...entry, apiVersion: "1.41", shimFound: false }, "mine"],
    ["such a runtime with systemd", { ...entry, cgroupDriver: "systemd" }, "mine"],
  ])("is %s", (_what, changes, runtime) => {
    expect(findSpecHook({ ...evidence, ...changes })).toEqual({ runtime });
  });

  test.each<[string, Partial<SpecHookEvidence>, RegExp]>([
    ["the engine is old", { apiVersion: "1.41" }, /Docker 23/],
    ["systemd makes cgroups", { cgroupDriver: "systemd" }, /systemd/],
    ["another runtime is the default", { defaultRuntime: "nvidia" }, /nvidia/],
    ["containerd does not find it", { shimFound: false }, /PATH/],
    [
      "a runtime only sounds like it",
      { shimFound: false, runtimes: { a: { path: "/x-dockershim-runc" } } },
      /PATH/,
    ],
  ])("is not there where %s", (_what, changes, problem) => {
    const fact = findSpecHook({ ...evidence, ...changes });
    expect(fact).toEqual({ problem: expect.stringMatching(problem) });
  });
});
