import { describe, expect, test } from "@jest/globals";
import { type EngineFacts, planContainer } from "../src/index.js";
import {
  bytes,
  type ContainerRest,
  containerConfig,
  containerInput,
  imageId,
  newest,
  oldest,
  sandboxConfig,
  thrown,
} from "./configs.js";

type Init = Parameters<typeof containerConfig>[0];

const plan = (init: Init = {}, rest: ContainerRest = {}) =>
  planContainer(containerInput(containerConfig(init), rest));
const host = (init: Init = {}, rest: ContainerRest = {}) => plan(init, rest).body.HostConfig;
const on = (engine: Partial<EngineFacts>) => ({ engine: { ...newest, ...engine } });

describe("the plan of a plain container", () => {
  test("joins its sandbox and takes the rest from the image", () => {
    const { name, body, warnings, cgroupWrites } = plan();
    expect(name).toBe("k8s_nginx_web_shop_6f1c2d7e_2");
    expect({ warnings, cgroupWrites }).toEqual({ warnings: [], cgroupWrites: [] });
    const { Labels: _labels, ...rest } = body;
    expect(rest).toEqual({
      Image: imageId,
      OpenStdin: false,
      StdinOnce: false,
      Tty: false,
      Healthcheck: { Test: ["NONE"] },
      HostConfig: {
        NetworkMode: "container:5and80x",
        IpcMode: "container:5and80x",
        PidMode: "container:5and80x",
        RestartPolicy: { Name: "no" },
      },
    });
  });

  test("is made of checked configs only", () => {
    // @ts-expect-error Nobody has checked this one.
    planContainer({ ...containerInput(), config: containerConfig() });
  });
});

describe("the process", () => {
  const both = { Entrypoint: ["/entry"], Cmd: ["default"] };

  test.each<[string, Init, object]>([
    ["neither", {}, {}],
    ["args alone", { args: ["-v"] }, { Cmd: ["-v"] }],
    ["a command alone", { command: ["sh", "-c"] }, { Entrypoint: ["sh", "-c"] }],
    ["both", { command: ["sh"], args: ["-c", ""] }, { Entrypoint: ["sh"], Cmd: ["-c", ""] }],
  ])("with %s leaves to Docker what CRI leaves to the image", (_what, init, expected) => {
    const { Entrypoint, Cmd } = plan(init, { image: { id: imageId, ref: "r", config: both } }).body;
    // An empty Entrypoint would clear the image's: it has to be absent.
    expect({ Entrypoint, Cmd }).toEqual({ Entrypoint: undefined, Cmd: undefined, ...expected });
  });

  test("is refused where neither config nor image has a command", () => {
    const image = { id: imageId, ref: "r", config: { Entrypoint: null, Cmd: [] } };
    expect(thrown(() => plan({}, { image }))).toMatchObject({ field: "config.command" });
    expect(plan({ args: ["x"] }, { image }).body.Cmd).toEqual(["x"]);
  });

  test("has its environment, of equal keys the last value at the first place", () => {
    const envs = [
      { key: "A", value: bytes("1") },
      { key: "B", value: bytes("") },
      { key: "A", value: bytes("grüße=\n$(B)") },
    ];
    expect(plan({ envs }).body.Env).toEqual(["A=grüße=\n$(B)", "B="]);
  });

  test("keeps a byte order mark in a value", () => {
    expect(plan({ envs: [{ key: "A", value: bytes("\ufeffx") }] }).body.Env).toEqual(["A=\ufeffx"]);
  });

  test("has its working directory, terminal and standard input", () => {
    expect(
      plan({ workingDir: "/srv", tty: true, stdin: true, stdinOnce: true }).body,
    ).toMatchObject({
      ...{ WorkingDir: "/srv", Tty: true, OpenStdin: true, StdinOnce: true },
    });
  });

  test("has the stop signal in Docker's spelling", () => {
    expect(plan({ stopSignal: 29 }).body.StopSignal).toBe("SIGUSR1");
    expect(plan({ stopSignal: 38 }).body.StopSignal).toBe("SIGRTMIN+3");
    expect(plan({ stopSignal: 62 }).body.StopSignal).toBe("SIGRTMAX-3");
    expect(plan({ stopSignal: 0 }).body).not.toHaveProperty("StopSignal");
  });
});

describe("namespaces of a container", () => {
  const withOptions = (namespaceOptions: object): Init => ({
    linux: { securityContext: { namespaceOptions } },
  });

  test.each<[string, object, object]>([
    ["the pod's pid", { pid: 0 }, { PidMode: "container:5and80x" }],
    ["the node's pid", { pid: 2 }, { PidMode: "host" }],
    ["a target's pid", { pid: 3, targetId: "deb06" }, { PidMode: "container:deb06" }],
    ["the node's ipc", { ipc: 2 }, { IpcMode: "host", NetworkMode: "container:5and80x" }],
    ["an ipc of its own", { ipc: 1 }, { IpcMode: "private" }],
    ["the node's network", { network: 2 }, { NetworkMode: "container:5and80x", UTSMode: "host" }],
  ])("can be %s", (_what, options, expected) => {
    expect(host(withOptions(options))).toMatchObject(expected);
  });

  test("can be a pid of its own", () => {
    expect(host(withOptions({ pid: 1 }))).not.toHaveProperty("PidMode");
  });
});

describe("devices", () => {
  test("have Docker's fields, with all permissions and the same path where CRI says nothing", () => {
    const devices = [
      { hostPath: "/dev/kvm", containerPath: "/dev/vm", permissions: "rw" },
      { hostPath: "/dev/fuse" },
    ];
    expect(host({ devices }).Devices).toEqual([
      { PathOnHost: "/dev/kvm", PathInContainer: "/dev/vm", CgroupPermissions: "rw" },
      { PathOnHost: "/dev/fuse", PathInContainer: "/dev/fuse", CgroupPermissions: "rwm" },
    ]);
  });

  test("of CDI are requested once each, from Docker 25 on", () => {
    const CDIDevices = ["v.com/gpu=0", "v.com/gpu=1", "v.com/gpu=0"].map((name) => ({ name }));
    expect(host({ CDIDevices }, on({ apiVersion: "1.44" })).DeviceRequests).toEqual([
      { Driver: "cdi", DeviceIDs: ["v.com/gpu=0", "v.com/gpu=1"] },
    ]);
    expect(thrown(() => host({ CDIDevices }, on({ apiVersion: "1.43" })))).toMatchObject({
      code: "unimplemented",
      field: "config.CDI_devices",
      message: expect.stringContaining("API 1.43"),
    });
  });
});

describe("a container's place on the engine", () => {
  test("is that of its sandbox", () => {
    const rest = {
      sandbox: { id: "s", runtimeHandler: "kata" },
      sandboxConfig: sandboxConfig({
        annotations: { pod: "1", both: "pod" },
        linux: { cgroupParent: "/kubepods.slice/kubepods-pod1.slice" },
      }),
    };
    expect(host({ annotations: { own: "2", both: "own" } }, rest)).toMatchObject({
      Runtime: "kata",
      CgroupParent: "kubepods-pod1.slice",
      Annotations: { pod: "1", own: "2", both: "own" },
    });
  });

  test("has the shim of its sandbox, whatever its annotations say", () => {
    const Annotations = { "io.containerd.runc.v2.group": "g1" };
    const annotations = { "io.containerd.runc.v2.group": "g2", own: "2" };
    const sandbox = { id: "s", runtimeHandler: "" };
    expect(host({ annotations }, { sandbox: { ...sandbox, shimGroup: "g1" } })).toMatchObject({
      Annotations,
    });
    expect(host({ annotations }, { sandbox })).not.toHaveProperty("Annotations");
  });

  test("has the log driver that the server chose", () => {
    const logConfig = { Type: "local", Config: { "max-size": "10m" } };
    expect(host({}, { logConfig }).LogConfig).toEqual(logConfig);
  });

  test.each([
    ["/var/log/pods/x", "c/0.log", "/var/log/pods/x/c/0.log"],
    ["/var/log/pods/x/", "0.log", "/var/log/pods/x/0.log"],
    ["", "0.log", ""],
    ["/var/log/pods/x", "", ""],
  ])("logs from %j and %j to %j", (logDirectory, logPath, expected) => {
    const { Labels } = plan({ logPath }, { sandboxConfig: sandboxConfig({ logDirectory }) }).body;
    expect(Labels["io.kubernetes.container.logpath"]).toBe(expected);
  });
});

describe("on Docker 20.10", () => {
  test("nothing is emitted that API 1.41 does not know", () => {
    const config: Init = {
      mounts: [{ hostPath: "/a", containerPath: "/b", readonly: true, selinuxRelabel: true }],
      annotations: { a: "b" },
      linux: { resources: { memoryLimitInBytes: 10n ** 8n } },
    };
    expect(host(config, { engine: oldest, sandbox: { id: "s", runtimeHandler: "kata" } })).toEqual({
      ...{ NetworkMode: "container:s", IpcMode: "container:s", PidMode: "container:s" },
      Mounts: [{ Type: "bind", Source: "/a", Target: "/b", ReadOnly: true }],
      RestartPolicy: { Name: "no" },
      Runtime: "kata",
      ...{ Memory: 100_000_000, MemorySwap: 100_000_000 },
    });
  });
});
