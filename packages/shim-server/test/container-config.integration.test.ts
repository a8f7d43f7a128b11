import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ContainerState,
  MountPropagation,
  NamespaceMode,
  SecurityProfile_ProfileType as ProfileType,
  Signal,
  SupplementalGroupsPolicy,
} from "@dockershim/cri-types";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

type ContainerConfig = NonNullable<Parameters<Harness["containerConfig"]>[0]>;
type SecurityContext = Extract<
  NonNullable<Extract<ContainerConfig["linux"], { $typeName?: never }>["securityContext"]>,
  { $typeName?: never }
>;

describe("a container's config on a real engine", () => {
  let h: Harness;
  const apiAtLeast = async (minor: number) =>
    Number((await h.docker.apiVersion()).split(".")[1]) >= minor;

  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  const run = async (container: ContainerConfig) => {
    const { podSandboxId, containerId } = await h.runPod(h.sandboxConfig(), container);
    return { podSandboxId, containerId, sh: (script: string) => shell(containerId, script) };
  };

  /** What a shell inside the container says, both streams. */
  async function shell(containerId: string, script: string): Promise<string> {
    const cmd = ["sh", "-c", `exec 2>&1; ${script}`];
    const { stdout } = await h.cri.runtime.execSync({ containerId, cmd, timeout: 10n });
    return new TextDecoder().decode(stdout);
  }
  const ownStatus = (field: string) => `sed -n 's/^${field}:[[:space:]]*//p' /proc/1/status`;
  const statusOf = async (containerId: string) => {
    const { status } = await h.cri.runtime.containerStatus({ containerId });
    if (status === undefined) throw new Error("no status");
    return status;
  };
  // A pid namespace of its own, so that /proc/1 is the container's process.
  const namespaceOptions = { pid: NamespaceMode.CONTAINER };
  const container = (securityContext: SecurityContext) =>
    run({ linux: { securityContext: { namespaceOptions, ...securityContext } } });

  describe("user and groups", () => {
    test("a user of the image by name runs with the groups that the image gives it", async () => {
      const { containerId, sh } = await container({ runAsUsername: "www-data" });
      expect(await sh("id -u; id -g")).toBe("33\n33\n");
      expect((await statusOf(containerId)).user?.linux).toMatchObject({ uid: 33n, gid: 33n });
    });

    test("Strict gives the supplementary groups that CRI names and no others", async () => {
      const { sh } = await container({
        runAsUsername: "www-data",
        supplementalGroups: [5001n],
        supplementalGroupsPolicy: SupplementalGroupsPolicy.Strict,
      });
      expect(await sh(ownStatus("Groups"))).toBe("33 5001 \n");
      expect(await sh(ownStatus("Gid"))).toBe("33\t33\t33\t33\n");
    });

    test("a uid that the image does not list may still be given a group", async () => {
      const { containerId, sh } = await container({
        runAsUser: { value: 1001n },
        runAsGroup: { value: 1002n },
      });
      expect(await sh("id -u; id -g")).toBe("1001\n1002\n");
      expect((await statusOf(containerId)).user?.linux).toMatchObject({ uid: 1001n, gid: 1002n });
    });

    test("a user name that the image does not know is refused", async () => {
      await expect(container({ runAsUsername: "nobody-knows" })).rejects.toThrow(/nobody-knows/);
    });

    test("looking up users leaves no container behind", async () => {
      await container({ runAsUser: { value: 1n }, runAsGroup: { value: 1n } });
      const filters = { label: ["io.dockershim.image-files"] };
      expect(await h.docker.containers.list({ all: true, filters })).toEqual([]);
    });
  });

  test("what a killed daemon left of looking into an image goes when the next one starts", async () => {
    const [own] = await h.dockerIds();
    const labels = (await h.docker.containers.inspect(own ?? "")).Config.Labels;
    const label = { "io.dockershim.image-files": labels?.["io.dockershim.instance"] ?? "" };
    const body = { Image: labVariable("LAB_IMAGE"), Labels: label };
    const { Id: left } = await h.docker.containers.create(body);
    await h.restart();
    await until(async () => {
      const found = await h.docker.containers.list({ all: true, filters: { id: [left] } });
      return found.length === 0;
    });
  });

  describe("privileges", () => {
    test("capabilities are added and dropped", async () => {
      const { sh } = await container({
        capabilities: { addCapabilities: ["NET_ADMIN"], dropCapabilities: ["CHOWN"] },
      });
      const effective = BigInt(`0x${(await sh(ownStatus("CapEff"))).trim()}`);
      expect(effective & (1n << 12n)).not.toBe(0n);
      expect(effective & 1n).toBe(0n);
    });

    test("dropping ALL leaves none", async () => {
      const { sh } = await container({ capabilities: { dropCapabilities: ["ALL"] } });
      expect(await sh(ownStatus("CapEff"))).toBe("0000000000000000\n");
    });

    test("no_new_privs is set on the process", async () => {
      const { sh } = await container({ noNewPrivs: true });
      expect(await sh(ownStatus("NoNewPrivs"))).toBe("1\n");
    });

    test("a read-only root file system cannot be written", async () => {
      const { sh } = await container({ readonlyRootfs: true });
      expect(await sh("touch /file")).toContain("Read-only file system");
    });

    test("masked and read-only paths are taken as they are given", async () => {
      const { sh } = await container({ maskedPaths: ["/etc/passwd"], readonlyPaths: ["/tmp"] });
      expect(await sh("cat /etc/passwd")).toBe("");
      expect(await sh("touch /tmp/file")).toContain("Read-only file system");
    });

    test("ambient capabilities are refused, which Docker cannot set", async () => {
      const capabilities = { addAmbientCapabilities: ["NET_ADMIN"] };
      await expect(container({ capabilities })).rejects.toThrow(/ambient/);
    });
  });

  describe("seccomp", () => {
    const seccompMode = ownStatus("Seccomp");

    test("a runtime's default profile filters, unconfined does not", async () => {
      const profile = (profileType: ProfileType) => ({ seccomp: { profileType } });
      const filtered = await container(profile(ProfileType.RuntimeDefault));
      expect(await filtered.sh(seccompMode)).toBe("2\n");
      const free = await container(profile(ProfileType.Unconfined));
      expect(await free.sh(seccompMode)).toBe("0\n");
    });

    test("a profile of the node's files is applied", async () => {
      const file = join(h.dir, "no-chmod.json");
      const syscalls = [{ names: ["chmod", "fchmodat", "fchmod"], action: "SCMP_ACT_ERRNO" }];
      writeFileSync(file, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls }));
      const { sh } = await container({
        seccomp: { profileType: ProfileType.Localhost, localhostRef: file },
      });
      expect(await sh("touch /tmp/x && chmod 700 /tmp/x")).toContain("not permitted");
      const old = await container({ seccompProfilePath: `localhost/${file}` });
      expect(await old.sh("touch /tmp/x && chmod 700 /tmp/x")).toContain("not permitted");
    });

    test("a profile that cannot be read is refused, by name", async () => {
      const localhostRef = join(h.dir, "missing.json");
      const seccomp = { profileType: ProfileType.Localhost, localhostRef };
      await expect(container({ seccomp })).rejects.toThrow(/missing\.json/);
      const fifo = join(h.dir, "fifo.json");
      execFileSync("mkfifo", [fifo]);
      await expect(
        container({ seccomp: { profileType: ProfileType.Localhost, localhostRef: fifo } }),
      ).rejects.toThrow(/not a regular file/);
    });
  });

  describe("resources", () => {
    /** A file of the container's own cgroup, as the process's v1 controllers name it. */
    function cgroupFile(pid: number, controller: string, v1File: string, v2File: string): string {
      const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
      const v1 = lines.find((line) => line.split(":")[1]?.split(",").includes(controller));
      const path = (v1 ?? lines.find((line) => line.startsWith("0::")) ?? "").split(":")[2];
      const root = v1 === undefined ? "/sys/fs/cgroup" : `/sys/fs/cgroup/${controller}`;
      return readFileSync(`${root}${path}/${v1 === undefined ? v2File : v1File}`, "utf8").trim();
    }
    const pidOf = async (containerId: string) =>
      (await h.docker.containers.inspect(containerId)).State.Pid;

    test("limits are in the cgroup and in the status, before and after an update", async () => {
      const { containerId } = await run({
        linux: {
          resources: {
            cpuPeriod: 100_000n,
            cpuQuota: 50_000n,
            memoryLimitInBytes: 64n << 20n,
            cpusetCpus: "0",
          },
        },
      });
      const pid = await pidOf(containerId);
      const memory = () => cgroupFile(pid, "memory", "memory.limit_in_bytes", "memory.max");
      const cpus = () => cgroupFile(pid, "cpuset", "cpuset.cpus", "cpuset.cpus");
      expect([memory(), cpus()]).toEqual([String(64 << 20), "0"]);
      expect((await statusOf(containerId)).resources?.linux).toMatchObject({
        cpuQuota: 50_000n,
        memoryLimitInBytes: 64n << 20n,
      });
      await h.cri.runtime.updateContainerResources({
        containerId,
        linux: { memoryLimitInBytes: 96n << 20n, cpuQuota: 70_000n, cpuPeriod: 100_000n },
      });
      expect(memory()).toBe(String(96 << 20));
      expect((await statusOf(containerId)).resources?.linux).toMatchObject({
        cpuQuota: 70_000n,
        memoryLimitInBytes: 96n << 20n,
        cpusetCpus: "0",
      });
    });

    test("huge pages of size 0 for every page size, as kubelets send them, start anywhere", async () => {
      const hugepageLimits = [{ pageSize: "2MB", limit: 0n }];
      const { containerId } = await run({ linux: { resources: { hugepageLimits } } });
      const status = await statusOf(containerId);
      expect(status.state).toBe(ContainerState.CONTAINER_RUNNING);
      expect(status.resources?.linux?.hugepageLimits).toMatchObject(hugepageLimits);
    });

    test("a container that exceeds its memory ends as OOMKilled", async () => {
      const { containerId } = await run({
        command: ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=64M"],
        linux: { resources: { memoryLimitInBytes: 16n << 20n } },
      });
      await until(
        async () => (await statusOf(containerId)).state === ContainerState.CONTAINER_EXITED,
      );
      expect(await statusOf(containerId)).toMatchObject({ reason: "OOMKilled", exitCode: 137 });
    });

    test("a pod's resources are kept for its verbose status", async () => {
      const { podSandboxId } = await run({});
      await h.cri.runtime.updatePodSandboxResources({
        podSandboxId,
        resources: { cpuShares: 512n },
      });
      const { info } = await h.cri.runtime.podSandboxStatus({ podSandboxId, verbose: true });
      expect(JSON.parse(info.info ?? "{}")).toMatchObject({ resources: { cpuShares: "512" } });
      const unknown = { podSandboxId: "0".repeat(64), resources: {} };
      await expect(h.cri.runtime.updatePodSandboxResources(unknown)).rejects.toThrow(/no sandbox/);
    });
  });

  describe("mounts", () => {
    let host = "";
    beforeAll(() => {
      host = mkdtempSync(join(h.dir, "mounts-"));
    });

    test("a symbolic link is followed and a missing host path is made a folder", async () => {
      mkdirSync(join(host, "real"));
      writeFileSync(join(host, "real", "file"), "through a link\n");
      symlinkSync(join(host, "real"), join(host, "link"));
      const { containerId, sh } = await run({
        mounts: [
          { hostPath: join(host, "link"), containerPath: "/link", readonly: true },
          { hostPath: join(host, "new", "folder"), containerPath: "/made" },
        ],
      });
      expect(await sh("cat /link/file")).toBe("through a link\n");
      expect(await sh("touch /link/file")).toContain("Read-only file system");
      expect(await sh("touch /made/it && ls /made")).toBe("it\n");
      const { mounts } = await statusOf(containerId);
      expect(mounts.map(({ hostPath, readonly }) => [hostPath, readonly])).toEqual([
        [join(host, "link"), true],
        [join(host, "new", "folder"), false],
      ]);
    });

    test("each propagation does its work and is reported back", async () => {
      const source = join(host, "propagation");
      mkdirSync(source);
      execFileSync("mount", ["-t", "tmpfs", "shared", source]);
      try {
        execFileSync("mount", ["--make-shared", source]);
        const kinds = [
          MountPropagation.PROPAGATION_PRIVATE,
          MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
          MountPropagation.PROPAGATION_BIDIRECTIONAL,
        ];
        const { containerId, sh } = await run({
          mounts: kinds.map((propagation) => ({
            hostPath: source,
            containerPath: `/kind${propagation}`,
            propagation,
          })),
        });
        mkdirSync(join(source, "sub"));
        execFileSync("mount", ["-t", "tmpfs", "sub", join(source, "sub")]);
        writeFileSync(join(source, "sub", "late"), "");
        expect(await sh("ls /kind0/sub; echo -; ls /kind1/sub; echo -; ls /kind2/sub")).toBe(
          "-\nlate\n-\nlate\n",
        );
        const { mounts } = await statusOf(containerId);
        expect(mounts.map(({ propagation }) => propagation)).toEqual(kinds);
      } finally {
        execFileSync("umount", ["-R", "-l", source]);
      }
    });

    test("a folder that holds the engine's data root can be mounted, as node agents do", async () => {
      const { DockerRootDir: dataRoot } = await h.docker.info();
      const { containerId, sh } = await run({
        mounts: [
          { hostPath: "/", containerPath: "/node", readonly: true },
          { hostPath: dataRoot, containerPath: "/engine" },
        ],
      });
      expect(await sh(`test -d /node${dataRoot}/containers && ls -d /engine/containers`)).toBe(
        "/engine/containers\n",
      );
      const { mounts } = await statusOf(containerId);
      expect(mounts.map(({ propagation }) => propagation)).toEqual([
        MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
        MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
      ]);
    });

    test("an image is mounted read-only with its digest reported, or refused below Docker 28", async () => {
      const image = { image: labVariable("LAB_IMAGE") };
      const mounts = [{ containerPath: "/image", image, readonly: true }];
      if (!(await apiAtLeast(48))) {
        await expect(run({ mounts })).rejects.toThrow(/image volumes need Docker 28/);
        return;
      }
      const { containerId, sh } = await run({ mounts });
      expect(await sh("cmp /bin/busybox /image/bin/busybox && echo same")).toBe("same\n");
      expect(await sh("touch /image/file")).toContain("Read-only file system");
      const { Id: id } = await h.docker.images.inspect(labVariable("LAB_IMAGE"));
      expect((await statusOf(containerId)).mounts[0]?.image).toMatchObject({
        ...image,
        imageRef: id,
      });
      const part = await run({ mounts: [{ ...mounts[0], imageSubPath: "etc" }] });
      expect(await part.sh("ls /image/passwd")).toBe("/image/passwd\n");
      await expect(run({ mounts: [{ ...mounts[0], imageSubPath: "no/where" }] })).rejects.toThrow(
        /no\/where/,
      );
      await expect(run({ mounts: [{ ...mounts[0], readonly: false }] })).rejects.toThrow(
        /readonly/,
      );
    });

    test("recursive read-only reaches mounts below, where the engine can", async () => {
      const source = join(host, "recursive");
      mkdirSync(join(source, "below"), { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "below", join(source, "below")]);
      try {
        const mount = { hostPath: source, containerPath: "/ro", readonly: true };
        const flat = await run({ mounts: [mount] });
        expect(await flat.sh("touch /ro/below/file && echo written")).toBe("written\n");
        const deep = run({ mounts: [{ ...mount, recursiveReadOnly: true }] });
        if (await apiAtLeast(44)) {
          expect(await (await deep).sh("touch /ro/below/file")).toContain("Read-only file system");
        } else {
          await expect(deep).rejects.toThrow(/recursive_read_only/);
        }
      } finally {
        execFileSync("umount", ["-l", join(source, "below")]);
      }
    });
  });

  test("working directory, environment, stop signal and device are the container's", async () => {
    const { containerId, sh } = await run({
      workingDir: "/tmp",
      envs: [{ key: "GREETING", value: new TextEncoder().encode("grüß = $(x)") }],
      stopSignal: Signal.SIGUSR1,
      devices: [{ hostPath: "/dev/null", containerPath: "/dev/nothing", permissions: "rw" }],
    });
    expect(
      await sh('readlink /proc/self/cwd; echo "$GREETING"; test -c /dev/nothing && echo c'),
    ).toBe("/tmp\ngrüß = $(x)\nc\n");
    expect((await statusOf(containerId)).stopSignal).toBe(Signal.SIGUSR1);
  });

  test("an unknown runtime handler is refused, by name", async () => {
    const config = h.sandboxConfig();
    await expect(
      h.cri.runtime.runPodSandbox({ config, runtimeHandler: "kata-nowhere" }),
    ).rejects.toThrow(/kata-nowhere/);
  });

  test("equal requests at the same time make one container", async () => {
    const sandboxConfig = h.sandboxConfig();
    const run = () => h.cri.runtime.runPodSandbox({ config: sandboxConfig });
    const [first, second] = await Promise.all([run(), run()]);
    expect(second).toEqual(first);
    const { podSandboxId } = first;
    const create = () =>
      h.cri.runtime.createContainer({ podSandboxId, sandboxConfig, config: h.containerConfig() });
    const [one, other] = await Promise.all([create(), create()]);
    expect(other).toEqual(one);
  });
});
