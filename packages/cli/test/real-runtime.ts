import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { labVariable, startDaemon } from "@dockershim/testing";
import { runBin } from "./dockershim-bin.js";

/** What a pod's container does unless told otherwise: it prints a line on each stream and then waits. */
const waiting = ["sh", "-c", "echo out; echo err >&2; touch /ready; exec sleep 3600"];

/** Our daemon in front of the lab's engine, with what a test needs to make pods on it. */
export async function startRealRuntime(flags: Readonly<Record<string, string>> = {}) {
  const dir = await mkdtemp(join(tmpdir(), "cli-real-"));
  const endpoint = `unix://${join(dir, "cri.sock")}`;
  const daemonLog: string[] = [];
  const daemon = await startDaemon({
    listen: endpoint,
    flags: {
      "docker-endpoint": labVariable("LAB_DOCKER_ENDPOINT"),
      "root-dir": join(dir, "root"),
      "network-plugin": "none",
      "adopt-unlabelled": "false",
      "restrict-oom-score-adj": "true",
      ...flags,
    },
    onLine: (line) => daemonLog.push(line),
  });
  const client = createCriClient({ endpoint });
  return {
    client,
    endpoint,
    daemonLog,
    /** The command as it is installed, asking this runtime. */
    dockershim: (...args: string[]) => runBin(args, { CONTAINER_RUNTIME_ENDPOINT: endpoint }),
    /** Starts a pod with a container `main`, and returns both ids. */
    async startPod(name: string, command: readonly string[] = waiting) {
      const config = {
        metadata: { name, namespace: "default", uid: `uid-${name}-${process.pid}`, attempt: 0 },
        hostname: name,
        logDirectory: join(dir, "logs", name),
        linux: {},
      };
      const { podSandboxId } = await client.runtime.runPodSandbox({ config });
      const { containerId } = await client.runtime.createContainer({
        podSandboxId,
        sandboxConfig: config,
        config: {
          metadata: { name: "main", attempt: 0 },
          image: { image: labVariable("LAB_IMAGE") },
          command: [...command],
          logPath: "main/0.log",
          linux: { resources: { memoryLimitInBytes: 67_108_864n } },
        },
      });
      await client.runtime.startContainer({ containerId });
      return { podSandboxId, containerId };
    },
    async close() {
      const { items } = await client.runtime.listPodSandbox({});
      for (const { id } of items) await client.runtime.removePodSandbox({ podSandboxId: id });
      client.close();
      await daemon.stop();
      await rm(dir, { recursive: true });
    },
  };
}
