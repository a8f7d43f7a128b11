import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  apiAtLeast,
  INSTANCE_LABEL,
  SANDBOX_ID_LABEL,
  SPEC_PATCH_LABEL,
  type SpecPatch,
  TYPE_CONTAINER,
  TYPE_LABEL,
} from "@dockershim/pod-sandbox";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { instanceOf } from "../src/state/instance.js";
import { createHarness, type Harness } from "./harness.js";
import { hookRuntime, unhooked } from "./hooked-engine.js";

let h: Harness;
beforeAll(async () => {
  h = await createHarness();
});
afterAll(() => h.close());

const withHook = unhooked ? test.skip : test;
const v2 = existsSync("/sys/fs/cgroup/cgroup.controllers");
const hugepages = existsSync("/sys/kernel/mm/hugepages/hugepages-2048kB") && hasHugetlb();

function hasHugetlb(): boolean {
  if (!v2) return existsSync("/sys/fs/cgroup/hugetlb");
  return readFileSync("/sys/fs/cgroup/cgroup.controllers", "utf8").includes("hugetlb");
}

test("the status tells whether options of mounts are possible", async () => {
  const { features } = await h.cri.runtime.status({});
  expect(features?.mountOptions).toBe(unhooked === undefined);
});

(unhooked ? test : test.skip)(
  "a node without the hook refuses what needs it, and makes nothing",
  async () => {
    const before = await h.dockerIds();
    const mounts = [{ hostPath: h.dir, containerPath: "/data", mountOptions: ["noexec"] }];
    await expect(h.runPod({}, { mounts })).rejects.toMatchObject({
      code: "UNIMPLEMENTED",
      message: expect.stringMatching(/mounts\[0\]\.mount_options: .*no spec hook: /),
    });
    expect(await h.dockerIds()).toHaveLength(before.length + 1);
  },
);

describe("with the spec hook", () => {
  withHook(
    "a mount has the options that CRI names, and only where they were asked for",
    async () => {
      const data = join(h.dir, "data");
      mkdirSync(data, { recursive: true });
      writeFileSync(join(data, "run"), "#!/bin/sh\necho ran\n", { mode: 0o755 });
      const { containerId } = await h.runPod(
        {},
        {
          mounts: [
            { hostPath: data, containerPath: "/plain" },
            {
              hostPath: data,
              containerPath: "/hard//",
              readonly: true,
              mountOptions: ["noexec", "nodev", "nosuid"],
            },
          ],
        },
      );
      const run = async (...cmd: string[]) => {
        const { stdout, stderr } = await h.cri.runtime.execSync({ containerId, cmd });
        return Buffer.concat([stdout, stderr]).toString();
      };
      const flags = async (path: string) =>
        (await run("grep", ` ${path} `, "/proc/self/mountinfo")).split(" ")[5]?.split(",");
      expect(await flags("/hard")).toEqual(
        expect.arrayContaining(["ro", "nosuid", "nodev", "noexec"]),
      );
      expect(await flags("/plain")).not.toContain("noexec");
      expect(await run("/plain/run")).toBe("ran\n");
      expect(await run("/hard/run")).toMatch(/permission denied/i);
      // Docker's own start, too, asks the daemon.
      await h.docker.containers.stop(containerId, { timeoutSeconds: 0 });
      await h.docker.containers.start(containerId);
      const { Pid: pid } = (await h.docker.containers.inspect(containerId)).State;
      expect(readFileSync(`/proc/${pid}/mountinfo`, "utf8")).toMatch(/ \/hard ro,\S*noexec/);
    },
  );

  (hugepages ? withHook : test.skip)(
    "huge pages are limited before the first instruction",
    async () => {
      const file = v2
        ? "/sys/fs/cgroup/hugetlb.2MB.max"
        : "/sys/fs/cgroup/hugetlb/hugetlb.2MB.limit_in_bytes";
      const { containerId } = await h.runPod(
        {},
        {
          command: ["cat", file],
          linux: { resources: { hugepageLimits: [{ pageSize: "2MB", limit: 4_194_304n }] } },
        },
      );
      expect(await h.logOf(containerId)).toBe("4194304");
    },
  );

  (v2 ? withHook : test.skip)("and so are files of the cgroup", async () => {
    const { containerId } = await h.runPod(
      {},
      {
        command: ["cat", "/sys/fs/cgroup/memory.high", "/sys/fs/cgroup/memory.oom.group"],
        linux: {
          resources: {
            memoryLimitInBytes: 67_108_864n,
            unified: { "memory.high": "33554432", "memory.oom.group": "1" },
          },
        },
      },
    );
    expect((await h.logOf(containerId)).split("\n")).toEqual(["33554432", "1"]);
  });

  /** Creates a container as the daemon does, with a patch that no CRI config asks for. */
  async function createPatched(patch: SpecPatch, command: string[]): Promise<string> {
    const config = h.sandboxConfig();
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
    const created = await h.docker.containers.create(
      {
        Image: labVariable("LAB_IMAGE"),
        Cmd: command,
        Labels: {
          run: String(config.labels?.run),
          [TYPE_LABEL]: TYPE_CONTAINER,
          [SANDBOX_ID_LABEL]: podSandboxId,
          [INSTANCE_LABEL]: instanceOf(join(h.dir, "root")),
          [SPEC_PATCH_LABEL]: JSON.stringify(patch),
        },
        HostConfig: {
          Runtime: await hookRuntime(h.docker),
          NetworkMode: `container:${podSandboxId}`,
          RestartPolicy: { Name: "no" },
        },
      },
      { name: `k8s_x_pod_test_${randomBytes(6).toString("hex")}_0` },
    );
    await until(
      async () =>
        (await h.cri.runtime.listContainers({ filter: { id: created.Id } })).containers.length > 0,
    );
    return created.Id;
  }

  async function stdoutOf(id: string): Promise<string> {
    const { Pid: pid } = (await h.docker.containers.inspect(id)).State;
    const file = `/proc/${pid}/root/out`;
    return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  }

  withHook("what the CRI config has no field for reaches the process too", async () => {
    const seen = join(h.dir, "poststart");
    const patch: SpecPatch = {
      merge: {
        annotations: { "example.org/who": "nri" },
        process: {
          ioPriority: { class: "IOPRIO_CLASS_BE", priority: 7 },
          scheduler: { policy: "SCHED_BATCH", nice: 5 },
          rlimits: [{ type: "RLIMIT_CORE", hard: 4096, soft: 1024 }],
        },
        hooks: {
          poststart: [{ path: "/bin/sh", args: ["sh", "-c", `cat > ${seen}`] }],
        },
      },
    };
    const id = await createPatched(patch, [
      "sh",
      "-c",
      "ionice > /out || echo none > /out; sleep 1000",
    ]);
    await h.cri.runtime.startContainer({ containerId: id });
    const { Pid: pid } = (await h.docker.containers.inspect(id)).State;
    expect(readFileSync(`/proc/${pid}/limits`, "utf8")).toMatch(/core file size +1024 +4096/);
    const state = JSON.parse(readFileSync(seen, "utf8"));
    expect(state).toMatchObject({ id, annotations: { "example.org/who": "nri" } });
    await until(async () => (await stdoutOf(id)) !== "");
    // runc before 1.2 does not know them, and says nothing.
    const runc = (await h.docker.version()).Components?.find(({ Name }) => Name === "runc");
    if (apiAtLeast(runc?.Version ?? "", "1.2")) {
      expect(await stdoutOf(id)).toMatch(/best-effort.*7/);
      // Behind the name in parentheses, beginning with the third field: nice and policy (proc_pid_stat(5)).
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      expect([fields[19 - 3], fields[41 - 3]]).toEqual(["5", "3"]);
    }
  });

  withHook("no container starts without the daemon that knows its patch", async () => {
    const id = await createPatched({ mountOptions: {} }, ["sleep", "1000"]);
    await h.stop();
    await expect(h.docker.containers.start(id)).rejects.toThrow(
      /does not run or does not know the container/,
    );
    expect((await h.docker.containers.inspect(id)).State.Running).toBe(false);
    await h.restart();
    await h.docker.containers.start(id);
    expect((await h.docker.containers.inspect(id)).State.Running).toBe(true);
  });

  withHook("nor one whose patch cannot be applied, and the reason is told", async () => {
    const id = await createPatched({ mountOptions: { "/not-there": ["noexec"] } }, ["sleep", "9"]);
    await expect(h.cri.runtime.startContainer({ containerId: id })).rejects.toThrow(
      /no mount at \/not-there/,
    );
    expect((await h.docker.containers.inspect(id)).State.Running).toBe(false);
  });

  withHook("nor one of somebody else", async () => {
    const { Id: id } = await h.docker.containers.create(
      {
        Image: labVariable("LAB_IMAGE"),
        Cmd: ["sleep", "9"],
        Labels: { run: String(h.sandboxConfig().labels?.run) },
        HostConfig: { Runtime: await hookRuntime(h.docker), NetworkMode: "none" },
      },
      {},
    );
    await expect(h.docker.containers.start(id)).rejects.toThrow(/does not know the container/);
  });
});
