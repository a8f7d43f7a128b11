import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ContainerState, NamespaceMode } from "@dockershim/cri-types";
import { createDockerClient } from "@dockershim/docker-client";
import { apiAtLeast } from "@dockershim/pod-sandbox";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { specFacts } from "../src/state/spec-facts.js";
import { createHarness, type Harness } from "./harness.js";
import { shimOf } from "./shim-of.js";

let h: Harness;
beforeAll(async () => {
  h = await createHarness();
});
afterAll(() => h.close());

/** Why this node has no user namespaces for pods; undefined where it has. */
async function whyImpossible(endpoint: string): Promise<string | undefined> {
  const docker = createDockerClient({ endpoint });
  try {
    const [info, apiVersion] = await Promise.all([docker.info(), docker.apiVersion()]);
    const { userNamespaces } = specFacts(info, apiVersion, endpoint);
    return "problem" in userNamespaces ? userNamespaces.problem : undefined;
  } finally {
    await docker.close();
  }
}

const problem = await whyImpossible(labVariable("LAB_DOCKER_ENDPOINT"));
const possible = problem === undefined ? test : test.skip;
const impossible = problem === undefined ? test.skip : test;

const hostId = 200_000;
const mapping = [{ hostId, containerId: 0, length: 65_536 }];
const usernsOptions = { mode: NamespaceMode.POD, uids: mapping, gids: mapping };
const namespaceOptions = { pid: NamespaceMode.CONTAINER, usernsOptions };
const linux = { securityContext: { namespaceOptions } };

/** What is mounted below the engine's and containerd's folders for a container. */
function mountsOf(id: string): string[] {
  const table = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return table.filter((line) => line.split(" ")[4]?.includes(id));
}

/** What is mounted in the bundles of containers. */
function bundleMounts(ids: readonly string[]): string[] {
  return ids.flatMap(mountsOf).filter((line) => /\/moby\/[0-9a-f]{64}\/rootfs /.test(line));
}

async function inside(containerId: string, command: string): Promise<string> {
  const { stdout, stderr } = await h.cri.runtime.execSync({
    containerId,
    cmd: ["sh", "-c", command],
  });
  return Buffer.concat([stdout, stderr]).toString().trim();
}

async function pidOf(id: string): Promise<number> {
  return (await h.docker.containers.inspect(id)).State.Pid;
}

test("the status says for which handlers pods can have user namespaces", async () => {
  const { runtimeHandlers } = await h.cri.runtime.status({});
  const able = runtimeHandlers.filter(({ features }) => features?.userNamespaces);
  expect(able.map(({ name }) => name)).toEqual(problem === undefined ? ["", "docker"] : []);
});

impossible(
  "where pods cannot have them, they are refused with the reason, and nothing is made",
  async () => {
    const before = await h.dockerIds();
    const pod = h.runPod({ linux });
    await expect(pod).rejects.toMatchObject({
      code: "UNIMPLEMENTED",
      message: expect.stringContaining("userns_options"),
    });
    await expect(pod).rejects.toThrow(`${problem}`);
    expect(await h.dockerIds()).toEqual(before);
  },
);

describe(`a pod with a user namespace of its own${problem ? ` (not here: ${problem})` : ""}`, () => {
  possible(
    "has root of its own, who owns the image's files and writes as nobody's root",
    async () => {
      const capabilities = { addCapabilities: ["NET_ADMIN"] };
      const { podSandboxId, containerId } = await h.runPod(
        { linux },
        { linux: { securityContext: { namespaceOptions, capabilities } } },
      );
      expect(await inside(containerId, "cat /proc/self/uid_map /proc/self/gid_map")).toMatch(
        /^0 +200000 +65536\n +0 +200000 +65536$/,
      );
      expect(await inside(containerId, "id -u; stat -c %u:%g /bin/sh /etc")).toBe("0\n0:0\n0:0");
      await inside(
        containerId,
        "touch /new; mkdir -p /a/b; echo x:x:5:5::/:/ >> /etc/passwd; chown 7:8 /new",
      );
      expect(await inside(containerId, "stat -c %u:%g /new /a /etc/passwd")).toBe("7:8\n0:0\n0:0");
      const [sandbox, main] = [await pidOf(podSandboxId), await pidOf(containerId)];
      expect(statSync(`/proc/${main}/root/new`)).toMatchObject({
        uid: hostId + 7,
        gid: hostId + 8,
      });
      // The image's own file is as it was.
      const { containerId: other } = await h.runPod();
      expect(await inside(other, "stat -c %u:%g /etc/passwd; grep -c ^x: /etc/passwd")).toBe(
        "0:0\n0",
      );
      for (const pid of [sandbox, main]) {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        expect(Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])).toBeGreaterThanOrEqual(hostId);
      }
      // The pod's network belongs to the namespace too.
      expect(await inside(containerId, "ip link set lo mtu 1500 && echo done")).toBe("done");
      const { status } = await h.cri.runtime.containerStatus({ containerId });
      expect(status?.user?.linux).toMatchObject({ uid: 0n, gid: 0n });
      const pod = await h.cri.runtime.podSandboxStatus({ podSandboxId });
      expect(pod.status?.linux?.namespaces?.options?.usernsOptions).toMatchObject({
        mode: NamespaceMode.POD,
        uids: mapping,
      });
      expect(pod.status?.network?.ip).toMatch(/\d/);
    },
  );

  possible(
    "may write what the engine makes of its network, as root of other pods may",
    async () => {
      const dnsConfig = { servers: ["10.9.8.7"], searches: [], options: [] };
      const { containerId } = await h.runPod({ linux, dnsConfig }, { linux });
      const files = "/etc/resolv.conf /etc/hostname /etc/hosts";
      expect(await inside(containerId, `stat -c %u:%g ${files}`)).toBe("0:0\n0:0\n0:0");
      const added = "echo '# added' >> /etc/resolv.conf; cat /etc/resolv.conf";
      expect(await inside(containerId, added)).toBe("nameserver 10.9.8.7\n# added");
    },
  );

  possible("has volumes whose owners are mapped, and log and exit code as ever", async () => {
    const data = join(h.dir, "userns-data");
    mkdirSync(data);
    writeFileSync(join(data, "mine"), "mine\n");
    chownSync(join(data, "mine"), 1000, 1000);
    const mounts = [
      { hostPath: data, containerPath: "/data", uidMappings: mapping, gidMappings: mapping },
      { hostPath: data, containerPath: "/plain" },
    ];
    const command = [
      "sh",
      "-c",
      "stat -c %u /data/mine /plain/mine; touch /data/new; ls /data; exit 3",
    ];
    const { containerId } = await h.runPod({ linux }, { linux, mounts, command });
    const state = async () => (await h.cri.runtime.containerStatus({ containerId })).status;
    await until(async () => (await state())?.state === ContainerState.CONTAINER_EXITED);
    const { exitCode, logPath = "" } = (await state()) ?? {};
    expect(exitCode).toBe(3);
    expect(readFileSync(logPath, "utf8").replace(/^\S+ \S+ \S+ /gm, "")).toBe(
      "1000\n65534\nmine\nnew\n",
    );
    expect(statSync(join(data, "new")).uid).toBe(0);
  });

  const volumes = apiAtLeast(labVariable("LAB_DOCKER_VERSION"), "28.0") ? possible : test.skip;
  volumes.each([
    ["an image that is a volume", "", ["/volume", "/volume/bin/sh"], "/volume/new"],
    ["a part of an image", "usr/sbin", ["/volume", "/volume/chroot"], "/volume/new"],
    ["a file of an image", "etc/passwd", ["/volume"], "/volume"],
  ])("owns the files of %s", async (_what, imageSubPath, files, unwritable) => {
    const image = { image: labVariable("LAB_IMAGE") };
    const mount = { containerPath: "/volume", image, imageSubPath, readonly: true };
    const { podSandboxId, containerId } = await h.runPod({ linux }, { linux, mounts: [mount] });
    expect(await inside(containerId, `stat -c %u:%g ${files.join(" ")}`)).toBe(
      files.map(() => "0:0").join("\n"),
    );
    const same = `cmp ${files.at(-1)} ${join("/", imageSubPath, files.at(-1)?.slice(7) ?? "")}`;
    expect(await inside(containerId, `${same} && echo same`)).toBe("same");
    expect(await inside(containerId, `touch ${unwritable}`)).toMatch(/Read-only/);
    const upper = /upperdir=[^,]+/.exec(await inside(containerId, "grep volume /proc/mounts"))?.[0];
    const everywhere = () => readFileSync("/proc/self/mountinfo", "utf8");
    expect(everywhere()).toContain(upper);
    await h.cri.runtime.removePodSandbox({ podSandboxId });
    expect(everywhere()).not.toContain(upper);
  });

  possible("leaves nothing mounted, however it ends", async () => {
    const ends: readonly ((pod: { podSandboxId: string; containerId: string }) => Promise<void>)[] =
      [
        async ({ podSandboxId }) => {
          await h.cri.runtime.stopPodSandbox({ podSandboxId });
        },
        async ({ podSandboxId, containerId }) => {
          await h.docker.containers.remove(containerId, { force: true });
          await h.docker.containers.remove(podSandboxId, { force: true });
        },
        async ({ podSandboxId, containerId }) => {
          for (const id of [containerId, podSandboxId]) process.kill(await pidOf(id), "SIGKILL");
        },
        async ({ podSandboxId, containerId }) => {
          const shims = [containerId, podSandboxId].map((id) => shimOf(h.docker, id));
          for (const pid of new Set(await Promise.all(shims))) process.kill(pid, "SIGKILL");
        },
      ];
    for (const end of ends) {
      const pod = await h.runPod({ linux }, { linux });
      const ids = [pod.podSandboxId, pod.containerId];
      expect(bundleMounts(ids)).toHaveLength(2);
      await end(pod);
      await until(() => bundleMounts(ids).length === 0);
      await h.cri.runtime.removePodSandbox({ podSandboxId: pod.podSandboxId });
      expect(ids.flatMap(mountsOf)).toEqual([]);
    }
  });

  possible("can be started again by hand with what it had written", async () => {
    const { containerId } = await h.runPod({ linux }, { linux });
    await inside(containerId, "echo kept > /file; chown 9 /file");
    await h.docker.containers.stop(containerId, { timeoutSeconds: 0 });
    await h.docker.containers.start(containerId);
    const state = async () => (await h.cri.runtime.containerStatus({ containerId })).status?.state;
    await until(async () => (await state()) === ContainerState.CONTAINER_RUNNING);
    expect(await inside(containerId, "stat -c %u /file; cat /file")).toBe("9\nkept");
  });

  possible("leaves nothing when its container cannot be made", async () => {
    const before = await h.dockerIds();
    const pod = h.runPod({ linux }, { linux, command: ["/no/such/program"] });
    await expect(pod).rejects.toThrow(/no such file/);
    const made = (await h.dockerIds()).filter((id) => !before.includes(id));
    expect(made).toHaveLength(2);
    // The sandbox's alone.
    await until(() => bundleMounts(made).length === 1);
  });

  possible("does not take containers that want another one", async () => {
    await expect(h.runPod({}, { linux })).rejects.toThrow(/no user namespace of its own/);
  });
});
