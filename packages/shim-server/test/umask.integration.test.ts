import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { createDockerClient } from "@dockershim/docker-client";
import { labFlags, labVariable, startDaemon, until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import { removeContainersOf } from "./node-remains.js";

const command = join(import.meta.dirname, "../../cli/bin/dockershim.js");

/** The modes of all that is in a folder, by path; ids are left out of the paths. */
function modesIn(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true }).map(String);
  return Object.fromEntries(
    paths.map((path) => {
      const mode = (statSync(join(folder, path)).mode & 0o7777).toString(8);
      return [path.replaceAll(/[\da-f]{64}/g, "ID"), mode];
    }),
  );
}

test.each(["000", "077"])("what a daemon writes has the same modes at umask %s", async (umask) => {
  const dir = mkdtempSync(join(tmpdir(), "umask-"));
  const made = join(dir, "made");
  const executable = join(dir, "masked");
  writeFileSync(
    executable,
    `#!/bin/sh\numask ${umask}\nexec ${process.execPath} ${command} "$@"\n`,
  );
  chmodSync(executable, 0o755);
  const run = `umask-${process.pid}-${umask}`;
  const endpoint = labVariable("LAB_DOCKER_ENDPOINT");
  const docker = createDockerClient({ endpoint });
  const daemon = await startDaemon({
    listen: `unix://${join(made, "run/shim.sock")}`,
    flags: {
      ...labFlags({
        LAB_DOCKER_ENDPOINT: endpoint,
        LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
        LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
      }),
      "root-dir": join(made, "root"),
      "log-level": "error",
    },
    executable,
  });
  const { runtime, close } = createCriClient({ endpoint: daemon.endpoint });
  try {
    const config = {
      metadata: { name: "umask", namespace: "test", uid: run, attempt: 0 },
      logDirectory: join(made, "logs/pod"),
      dnsConfig: { servers: ["10.0.0.10"], searches: [], options: [] },
      labels: { run },
      linux: {},
    };
    const { podSandboxId } = await runtime.runPodSandbox({ config });
    const { containerId } = await runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: {
        metadata: { name: "main", attempt: 0 },
        image: { image: labVariable("LAB_IMAGE") },
        command: ["sh", "-c", "echo line; sleep 3600"],
        mounts: [{ hostPath: join(made, "host/path"), containerPath: "/mnt" }],
        logPath: "main/0.log",
        labels: config.labels,
        linux: {},
      },
    });
    await runtime.startContainer({ containerId });
    const log = join(made, "logs/pod/main/0.log");
    await until(() => statSync(log).size > 0);
    expect(modesIn(made)).toEqual({
      host: "755",
      "host/path": "755",
      logs: "755",
      "logs/pod": "755",
      "logs/pod/main": "755",
      "logs/pod/main/0.log": "640",
      root: "700",
      "root/cni": "700",
      "root/cni/results": "700",
      [`root/cni/results/${labVariable("LAB_BRIDGE")}-ID-eth0`]: "600",
      "root/lock": "600",
      "root/logs": "700",
      "root/logs/ID.position": "600",
      "root/oom-kills": "700",
      run: "755",
      "run/shim.sock": "600",
    });
    const { ResolvConfPath } = await docker.containers.inspect(podSandboxId);
    expect(statSync(ResolvConfPath).mode & 0o777).toBe(0o644);
  } finally {
    close();
    await daemon.stop();
    await removeContainersOf(docker, run);
    await docker.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
