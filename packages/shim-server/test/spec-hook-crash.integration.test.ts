import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { ContainerState } from "@dockershim/cri-types";
import { createDockerClient } from "@dockershim/docker-client";
import { type Daemon, labFlags, labVariable, startDaemon, until } from "@dockershim/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { unhooked } from "./hooked-engine.js";

// A container's hook waits for the daemon: what becomes of the start when that one hangs, or dies over it.
const endpoint = labVariable("LAB_DOCKER_ENDPOINT");
const docker = createDockerClient({ endpoint });
afterAll(() => docker.close());

(unhooked ? describe.skip : describe)("a container that starts while its daemon is stopped", () => {
  let dir: string;
  let daemon: Daemon;
  let cri: CriClient["runtime"];
  let podSandboxId: string;
  let containerId: string;
  const clients: CriClient[] = [];

  async function start(): Promise<void> {
    daemon = await startDaemon({
      listen: `unix://${dir}/shim.sock`,
      flags: {
        ...labFlags({
          LAB_DOCKER_ENDPOINT: endpoint,
          LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
          LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
        }),
        "root-dir": join(dir, "root"),
        "log-level": "error",
      },
    });
    const client = createCriClient({ endpoint: daemon.endpoint });
    clients.push(client);
    cri = client.runtime;
  }

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "shim-hook-"));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  let pods = 0;
  beforeEach(async () => {
    await start();
    const { runtimeHandlers } = await cri.status({});
    const mapping = [{ hostId: 200_000, containerId: 0, length: 65_536 }];
    // With a user namespace, where the node has them, there is more to be left half-done.
    const linux = runtimeHandlers.some(({ features }) => features?.userNamespaces)
      ? {
          securityContext: {
            namespaceOptions: { pid: 1, usernsOptions: { mode: 0, uids: mapping, gids: mapping } },
          },
        }
      : {};
    const uid = `${process.pid}-${pods++}`;
    const config = { metadata: { name: "hook", namespace: "test", uid, attempt: 0 }, linux };
    ({ podSandboxId } = await cri.runPodSandbox({ config }));
    ({ containerId } = await cri.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: {
        metadata: { name: "main", attempt: 0 },
        image: { image: labVariable("LAB_IMAGE") },
        command: ["sleep", "3600"],
        mounts: [{ hostPath: dir, containerPath: "/data", mountOptions: ["noexec"] }],
        linux,
      },
    }));
  });
  afterEach(async () => {
    await cri.removePodSandbox({ podSandboxId });
    await daemon.stop();
    for (const client of clients.splice(0)) client.close();
  });

  const mounted = (): boolean => readFileSync("/proc/self/mountinfo", "utf8").includes(containerId);

  /** The engine's own start, which the daemon has no part in but by the hook. */
  async function expectRefusal(reason: RegExp, meanwhile: () => Promise<void>): Promise<void> {
    daemon.process.kill("SIGSTOP");
    const started = docker.containers.start(containerId);
    started.catch(() => undefined);
    await meanwhile();
    await expect(started).rejects.toThrow(reason);
    expect((await docker.containers.inspect(containerId)).State.Running).toBe(false);
    await until(() => !mounted());
  }

  async function expectStart(): Promise<void> {
    await docker.containers.start(containerId);
    const { Pid: pid } = (await docker.containers.inspect(containerId)).State;
    expect(readFileSync(`/proc/${pid}/mountinfo`, "utf8")).toMatch(/ \/data rw,\S*noexec/);
  }

  test("does not start when the daemon is killed then, and starts with the next one", async () => {
    await expectRefusal(/went away/, async () => {
      // The hook waits for an answer once its question is in the daemon's queue.
      await until(() => hookWaits(containerId));
      await daemon.kill();
    });
    await start();
    // Exited, it would be the end of a job whose containers are not to be started again.
    const { status } = await cri.containerStatus({ containerId });
    expect(status?.state).toBe(ContainerState.CONTAINER_CREATED);
    await expectStart();
  });

  test("does not start when it takes too long, and starts when the daemon goes on", async () => {
    await expectRefusal(/took too long/, async () => {});
    daemon.process.kill("SIGCONT");
    await expectStart();
  });
});

/** Whether there is a hook of that container that reads from its socket. */
function hookWaits(id: string): boolean {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .some((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        // read(2) has the number 0 on amd64 and 63 on arm64.
        return (
          /containerd-shim-dockershim-v2|dockershim-runc/.test(line) &&
          line.includes(id) &&
          /^(0|63) /.test(readFileSync(`/proc/${pid}/syscall`, "utf8"))
        );
      } catch {
        return false;
      }
    });
}
