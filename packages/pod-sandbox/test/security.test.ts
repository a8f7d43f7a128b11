import { create } from "@bufbuild/protobuf";
import { CapabilitySchema } from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { toCapabilities } from "../src/capabilities.js";
import { type ContainerPlanInput, planContainer } from "../src/index.js";
import { containerConfig, containerInput, newest, thrown } from "./configs.js";

type Init = NonNullable<Parameters<typeof containerConfig>[0]>;
type ContextInit = NonNullable<Init["linux"]>["securityContext"];

const hostOf = (securityContext: ContextInit, rest: Partial<ContainerPlanInput> = {}) =>
  planContainer(containerInput(containerConfig({ linux: { securityContext } }), rest)).body
    .HostConfig;
const options = (securityContext: ContextInit, rest?: Partial<ContainerPlanInput>) =>
  hostOf(securityContext, rest).SecurityOpt;
const path = "config.linux.security_context";

describe("a container's security", () => {
  test("is Docker's own without a security context", () => {
    const host = planContainer(containerInput()).body.HostConfig;
    expect(host).not.toHaveProperty("SecurityOpt");
    expect(host).not.toHaveProperty("MaskedPaths");
  });

  test("masks exactly the paths that a security context lists", () => {
    expect(hostOf({ maskedPaths: ["/proc/kcore"], readonlyPaths: ["/proc/sys"] })).toMatchObject({
      MaskedPaths: ["/proc/kcore"],
      ReadonlyPaths: ["/proc/sys"],
    });
    expect(hostOf({})).toMatchObject({ MaskedPaths: [], ReadonlyPaths: [] });
  });

  test("of a privileged container has nothing else in force", () => {
    const context = {
      privileged: true,
      noNewPrivs: true,
      readonlyRootfs: true,
      capabilities: { dropCapabilities: ["ALL"] },
      maskedPaths: ["/proc/kcore"],
      seccomp: { profileType: 2, localhostRef: "/p.json" },
      apparmor: { profileType: 2, localhostRef: "lock" },
      selinuxOptions: { type: "t" },
    };
    const { Privileged, ReadonlyRootfs, SecurityOpt, MaskedPaths, ReadonlyPaths, CapDrop } =
      hostOf(context);
    expect({
      Privileged,
      ReadonlyRootfs,
      SecurityOpt,
      MaskedPaths,
      ReadonlyPaths,
      CapDrop,
    }).toEqual({
      ...{ Privileged: true, ReadonlyRootfs: true, MaskedPaths: [], ReadonlyPaths: [] },
      SecurityOpt: ["no-new-privileges", "seccomp=unconfined"],
      CapDrop: undefined,
    });
  });

  test("has a read-only root and no-new-privileges where asked for", () => {
    expect(hostOf({ readonlyRootfs: true, noNewPrivs: true })).toMatchObject({
      ReadonlyRootfs: true,
      SecurityOpt: ["no-new-privileges", "seccomp=unconfined"],
    });
    expect(hostOf({})).not.toHaveProperty("ReadonlyRootfs");
  });

  test("has every SELinux option", () => {
    const selinuxOptions = { user: "u", role: "r", type: "t", level: "s0:c1,c2" };
    expect(options({ selinuxOptions })).toEqual([
      ...["label=user:u", "label=role:r", "label=type:t", "label=level:s0:c1,c2"],
      "seccomp=unconfined",
    ]);
  });
});

describe("seccomp", () => {
  const profile = { seccompProfile: '{ "defaultAction": "SCMP_ACT_ALLOW" }' };
  const inlined = ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'];

  test.each<[string, ContextInit, string[]]>([
    ["nothing", {}, ["seccomp=unconfined"]],
    ["RuntimeDefault", { seccomp: { profileType: 0 } }, []],
    ["Unconfined", { seccomp: { profileType: 1 } }, ["seccomp=unconfined"]],
    ["Localhost", { seccomp: { profileType: 2, localhostRef: "/p.json" } }, inlined],
    [
      "a prefixed Localhost",
      { seccomp: { profileType: 2, localhostRef: "localhost//p" } },
      inlined,
    ],
    ["runtime/default", { seccompProfilePath: "runtime/default" }, []],
    ["docker/default", { seccompProfilePath: "docker/default" }, []],
    ["unconfined", { seccompProfilePath: "unconfined" }, ["seccomp=unconfined"]],
    ["localhost/", { seccompProfilePath: "localhost//p.json" }, inlined],
    [
      "both fields, of which the new one counts,",
      { seccomp: { profileType: 0 }, seccompProfilePath: "unconfined" },
      [],
    ],
  ])("asked for as %s is understood", (_what, context, expected) => {
    expect(options(context, profile)).toEqual(expected);
  });

  test.each<[string, ContextInit, Partial<ContainerPlanInput>, string, string]>([
    [
      "an unprefixed old profile",
      { seccompProfilePath: "p.json" },
      {},
      "seccomp_profile_path",
      "invalid_argument",
    ],
    [
      "a relative profile",
      { seccomp: { profileType: 2, localhostRef: "p.json" } },
      profile,
      "seccomp",
      "invalid_argument",
    ],
    [
      "a nameless profile",
      { seccomp: { profileType: 2 } },
      profile,
      "seccomp.localhost_ref",
      "invalid_argument",
    ],
    [
      "a name for the default",
      { seccomp: { localhostRef: "/p" } },
      profile,
      "seccomp.localhost_ref",
      "invalid_argument",
    ],
    [
      "an unknown type",
      { seccomp: { profileType: 9 as never } },
      {},
      "seccomp.profile_type",
      "invalid_argument",
    ],
    [
      "a profile that was not read",
      { seccomp: { profileType: 2, localhostRef: "/p" } },
      {},
      "seccomp.localhost_ref",
      "invalid_argument",
    ],
    [
      "a profile that is no JSON",
      { seccomp: { profileType: 2, localhostRef: "/p" } },
      { seccompProfile: "x" },
      "seccomp.localhost_ref",
      "invalid_argument",
    ],
    [
      "a profile that is a list",
      { seccomp: { profileType: 2, localhostRef: "/p" } },
      { seccompProfile: "[]" },
      "seccomp.localhost_ref",
      "invalid_argument",
    ],
    [
      "a profile on a kernel without seccomp",
      { seccomp: { profileType: 2, localhostRef: "/p" } },
      { ...profile, engine: { ...newest, seccomp: false } },
      "seccomp",
      "failed_precondition",
    ],
  ])("is refused for %s", (_what, context, rest, field, code) => {
    const error = thrown(() => options(context, rest));
    expect(error).toMatchObject({ field: `${path}.${field}`, code });
  });
});

describe("AppArmor", () => {
  const seccomp = { profileType: 0 };
  const without = { engine: { ...newest, apparmor: false } };

  test.each<[string, ContextInit, string[]]>([
    ["nothing", {}, []],
    ["RuntimeDefault", { apparmor: { profileType: 0 } }, []],
    ["Unconfined", { apparmor: { profileType: 1 } }, ["apparmor=unconfined"]],
    ["Localhost", { apparmor: { profileType: 2, localhostRef: "lock" } }, ["apparmor=lock"]],
    ["runtime/default", { apparmorProfile: "runtime/default" }, []],
    ["unconfined", { apparmorProfile: "unconfined" }, ["apparmor=unconfined"]],
    ["localhost/", { apparmorProfile: "localhost/lock" }, ["apparmor=lock"]],
  ])("asked for as %s is understood", (_what, context, expected) => {
    expect(options({ ...context, seccomp } as ContextInit)).toEqual(expected);
  });

  test("is not needed to be unconfined, but needed for a profile", () => {
    expect(options({ seccomp, apparmorProfile: "unconfined" }, without)).toEqual([]);
    const named = { apparmorProfile: "localhost/lock" };
    expect(thrown(() => options(named, without))).toMatchObject({
      ...{ code: "failed_precondition", field: `${path}.apparmor` },
    });
    expect(thrown(() => options({ apparmorProfile: "lock" }))).toMatchObject({
      ...{ code: "invalid_argument", field: `${path}.apparmor_profile` },
    });
  });
});

describe("capabilities", () => {
  const defaults = ["CAP_CHOWN", "CAP_KILL"];
  const every = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN", "CAP_SYS_TIME"];

  /** How Docker turns its two lists into a set (its package oci/caps). */
  function docker(add: readonly string[] = [], drop: readonly string[] = []): string[] {
    if (add.includes("ALL")) return every.filter((name) => !drop.includes(name));
    if (drop.includes("ALL")) return [...add];
    return [...defaults.filter((name) => !drop.includes(name)), ...add];
  }

  /** How CRI's reference runtime does: ALL first, then additions, then drops. */
  function cri(add: readonly string[], drop: readonly string[]): string[] {
    const full = (names: readonly string[]) =>
      names.filter((name) => name !== "ALL").map((name) => `CAP_${name.replace(/^CAP_/, "")}`);
    let set = drop.includes("ALL") ? [] : add.includes("ALL") ? every : defaults;
    set = [...set, ...full(add)];
    return set.filter((name) => !full(drop).includes(name));
  }

  test("come out as CRI means them, whatever the lists", () => {
    const name = fc.constantFrom(
      "ALL",
      "CHOWN",
      "CAP_KILL",
      "NET_ADMIN",
      "CAP_NET_ADMIN",
      "SYS_TIME",
    );
    const list = fc.array(name, { maxLength: 4 });
    fc.assert(
      fc.property(list, list, (addCapabilities, dropCapabilities) => {
        const message = create(CapabilitySchema, { addCapabilities, dropCapabilities });
        const { CapAdd, CapDrop } = toCapabilities(message);
        const expected = new Set(cri(addCapabilities, dropCapabilities));
        expect(new Set(docker(CapAdd, CapDrop))).toEqual(expected);
      }),
    );
  });

  test("are spelled in full and in capitals", () => {
    const capabilities = {
      addCapabilities: ["net_admin", "CAP_SYS_TIME"],
      dropCapabilities: ["all"],
    };
    expect(hostOf({ capabilities })).toMatchObject({
      CapAdd: ["CAP_NET_ADMIN", "CAP_SYS_TIME"],
      CapDrop: ["ALL"],
    });
    expect(hostOf({ capabilities: {} })).not.toHaveProperty("CapAdd");
  });
});
