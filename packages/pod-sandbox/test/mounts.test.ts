import { describe, expect, test } from "@jest/globals";
import {
  type ContainerPlanInput,
  fromDockerPropagation,
  planContainer,
  toContainerStatus,
  toDockerPropagation,
} from "../src/index.js";
import { containerConfig, containerInput, inspected, newest, thrown } from "./configs.js";

type MountInit = NonNullable<NonNullable<Parameters<typeof containerConfig>[0]>["mounts"]>[number];

const plan = (mount: MountInit, rest: Partial<ContainerPlanInput> = {}) =>
  planContainer(containerInput(containerConfig({ mounts: [mount] }), rest));
const hostOf = (mount: MountInit, rest?: Partial<ContainerPlanInput>) =>
  plan(mount, rest).body.HostConfig;
const bind = { hostPath: "/h", containerPath: "/c" };
const on = (apiVersion: string, rest: object = {}) => ({
  engine: { ...newest, apiVersion, ...rest },
});
const imageMounts = new Map([["sha256:1", { id: "sha256:1", ref: "data@sha256:2" }]]);
const image = { containerPath: "/data", image: { image: "sha256:1" }, readonly: true };

describe("a host mount", () => {
  test.each([
    [1, "rslave"],
    [2, "rshared"],
  ] as const)("with propagation %d is %s, there and back", (propagation, text) => {
    const mounts = hostOf({ ...bind, propagation }).Mounts;
    expect(mounts).toEqual([
      { Type: "bind", Source: "/h", Target: "/c", BindOptions: { Propagation: text } },
    ]);
    expect(toDockerPropagation(propagation)).toBe(text);
    expect(fromDockerPropagation(text)).toBe(propagation);
  });

  test("private is left to the engine, which makes one over its data root a slave", () => {
    expect(hostOf(bind).Mounts).toEqual([{ Type: "bind", Source: "/h", Target: "/c" }]);
    const made = plan(bind);
    const inspect = inspected(made);
    const engineMade = (Propagation: string) => ({
      ...inspect,
      Mounts: [{ Type: "bind", Source: "/h", Destination: "/c", RW: true, Propagation }],
    });
    const told = (propagation: string) =>
      toContainerStatus({ inspect: engineMade(propagation) }).mounts[0]?.propagation;
    expect(told("rprivate")).toBe(0);
    expect(told("rslave")).toBe(1);
  });

  test("read-only does not descend, which engines from API 1.44 on must be told", () => {
    const options = (version: string) =>
      hostOf({ ...bind, readonly: true }, on(version)).Mounts?.[0];
    expect(options("1.43")).toMatchObject({ ReadOnly: true });
    expect(options("1.43")).not.toHaveProperty("BindOptions");
    expect(options("1.44")?.BindOptions).toMatchObject({ ReadOnlyNonRecursive: true });
  });

  test("recursively read-only is forced from API 1.44 on and refused below", () => {
    const mount = { ...bind, readonly: true, recursiveReadOnly: true };
    expect(hostOf(mount, on("1.44")).Mounts?.[0]).toEqual({
      ...{ Type: "bind", Source: "/h", Target: "/c", ReadOnly: true },
      BindOptions: { Propagation: "rprivate", ReadOnlyForceRecursive: true },
    });
    const refusal = { code: "unimplemented", field: "config.mounts[0].recursive_read_only" };
    expect(thrown(() => plan(mount, on("1.43")))).toMatchObject(refusal);
    const rest = on("1.51", { recursiveReadOnly: false });
    expect(thrown(() => plan(mount, rest))).toMatchObject(refusal);
  });

  test("follows the server where the host path is a symbolic link, but reports what was asked", () => {
    const resolvedHostPaths = new Map([["/h", "/real"]]);
    const made = plan(bind, { resolvedHostPaths });
    expect(made.body.HostConfig.Mounts?.[0]?.Source).toBe("/real");
    const status = toContainerStatus({ inspect: inspected(made) });
    expect(status.mounts[0]).toMatchObject(bind);
  });

  test("to relabel becomes a bind with Z, since Mounts cannot", () => {
    const relabel = { ...bind, selinuxRelabel: true };
    expect(hostOf(relabel).Binds).toEqual(["/h:/c:Z"]);
    expect(hostOf({ ...relabel, readonly: true, propagation: 1 }).Binds).toEqual([
      "/h:/c:ro,Z,rslave",
    ]);
    expect(hostOf(relabel)).not.toHaveProperty("Mounts");
  });

  test("to relabel stays a plain mount where there is no SELinux", () => {
    const host = hostOf({ ...bind, selinuxRelabel: true }, on("1.51", { selinux: false }));
    expect(host.Mounts).toHaveLength(1);
    expect(host).not.toHaveProperty("Binds");
  });

  test("to relabel is refused where Docker's syntax cannot hold the path, or recursion", () => {
    const colon = { ...bind, hostPath: "/a:b", selinuxRelabel: true };
    expect(thrown(() => plan(colon))).toMatchObject({
      code: "unimplemented",
      field: "config.mounts[0].selinux_relabel",
    });
    const recursive = { ...bind, selinuxRelabel: true, readonly: true, recursiveReadOnly: true };
    expect(thrown(() => plan(recursive, on("1.43")))).toMatchObject({ code: "unimplemented" });
    expect(hostOf(recursive).Binds).toEqual(["/h:/c:ro,Z"]);
  });
});

describe("an image mount", () => {
  test("is read-only, by id, with its sub-path", () => {
    const host = hostOf({ ...image, imageSubPath: "a/b" }, { imageMounts });
    expect(host.Mounts).toEqual([
      {
        ...{ Type: "image", Source: "sha256:1", Target: "/data", ReadOnly: true },
        ImageOptions: { Subpath: "a/b" },
      },
    ]);
    const whole = hostOf(image, { imageMounts }).Mounts?.[0];
    expect(whole).not.toHaveProperty("ImageOptions");
  });

  test("is reported with its digest", () => {
    const made = plan(image, { imageMounts });
    const [mount] = toContainerStatus({ inspect: inspected(made) }).mounts;
    expect(mount).toMatchObject({
      containerPath: "/data",
      image: { image: "sha256:1", imageRef: "data@sha256:2" },
    });
  });

  test("is refused before Docker 28 and where the image is missing", () => {
    const old = { imageMounts, ...on("1.47") };
    const refusal = { code: "unimplemented", field: "config.mounts[0].image" };
    expect(thrown(() => plan(image, old))).toMatchObject(refusal);
    expect(thrown(() => plan(image))).toMatchObject({ code: "failed_precondition" });
  });
});
