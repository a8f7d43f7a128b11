import { create } from "@bufbuild/protobuf";
import { StatusResponseSchema, VersionResponseSchema } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import { describeRuntime } from "../src/info/info-report.js";

const long = `/var/lib/${"deep/".repeat(30)}`;

const status = create(StatusResponseSchema, {
  status: {
    conditions: [
      { type: "RuntimeReady", status: true },
      {
        type: "NetworkReady",
        reason: "NetworkPluginNotReady",
        message: `no plugin named "bridge" in ${long} and none in /usr/lib/cni either`,
      },
    ],
  },
  runtimeHandlers: [{ name: "" }, { name: "io.containerd.runtime.v1.linux" }],
  features: { supplementalGroupsPolicy: true },
});

const version = create(VersionResponseSchema, {
  runtimeName: "docker",
  runtimeVersion: "28.5.2",
  runtimeApiVersion: "v1",
});

/** What a daemon tells, with more and longer values than usual. */
const info = {
  info: {
    version: "1.2.3",
    instance: "default",
    options: {
      listen: "unix:///run/dockershim/dockershim.sock",
      cniBinDirs: ["/opt/cni/bin", long],
      podCidr: "",
      imagePullProgressDeadlineMs: 90_000,
      adoptUnlabelled: true,
    },
    engine: {
      ServerVersion: "28.5.2",
      ContainersRunning: 12,
      ContainersPaused: 1,
      ContainersStopped: 3,
      Images: 40,
      Driver: "overlay2",
      DockerRootDir: long,
      LoggingDriver: "local",
      OperatingSystem: "Debian GNU/Linux 12 (bookworm)",
      KernelVersion: "6.1.0-49-cloud-amd64",
      Architecture: "x86_64",
      NCPU: 4,
      MemTotal: 16_000_000_000,
      SecurityOptions: ["name=apparmor", "name=seccomp,profile=builtin"],
      Warnings: ["WARNING: No swap limit support, which is something that one ought to know of"],
    },
    facts: {
      apiVersion: "1.51",
      cgroupVersion: 2,
      cgroupDriver: "systemd",
      defaultRuntime: "runc",
      runtimes: ["io.containerd.runc.v2", "runc", "crun", "kata-qemu", "kata-clh", "runsc"],
    },
  },
};

const describeWith = (changes: object = {}, width = 80) =>
  describeRuntime({ endpoint: `unix://${long}`, version, status, info, ...changes }, width);

test.each([80, 120])("no line is wider than a terminal of %d columns", async (width) => {
  const lines = (await describeWith({}, width)).split("\n");
  expect(lines.filter((line) => line.length > width)).toEqual([]);
});

test("the engine is told by what people ask for", async () => {
  const text = await describeWith();
  expect(text).toContain("  Docker         28.5.2, API 1.51\n");
  expect(text).toContain("  Containers     12 running, 1 paused, 3 stopped\n");
  expect(text).toContain("  Cgroups        v2, driver systemd\n");
  expect(text).toContain("  Security       apparmor, seccomp\n");
  expect(text).toContain("  Warning        No swap limit support");
});

test("options are told as a configuration file has them, and those that are not set are not", async () => {
  const text = await describeWith();
  expect(text).toMatch(/^ {2}imagePullProgressDeadline: +1m30s$/m);
  expect(text).toMatch(/^ {2}adoptUnlabelled: +true$/m);
  expect(text).not.toContain("podCidr");
});

test("why something is not ready goes on below itself", async () => {
  expect(await describeWith()).toContain(
    '  NetworkReady   False  NetworkPluginNotReady: no plugin named "bridge" in\n' +
      "                 /var/lib/deep/",
  );
});

test("a daemon whose engine is away has no engine to tell of", async () => {
  const { engine: _, facts: __, ...rest } = info.info;
  const text = await describeWith({ info: { info: rest }, version: undefined });
  expect(text).not.toContain("Engine:");
  expect(text).toContain("Runtime:    unknown, it could not tell its version\n");
  expect(text).toContain("  Instance ");
});

test("another runtime is told by all that it says", async () => {
  const other = { config: { root: "/var/lib/other" }, golang: "go1.26" };
  expect(await describeWith({ info: other })).toContain(
    "Details:\n  config:\n    root: /var/lib/other\n  golang: go1.26\n",
  );
  expect(await describeWith({ info: {} })).not.toContain("Details");
});
