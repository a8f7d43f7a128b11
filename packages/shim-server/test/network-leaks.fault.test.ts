import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { createDockerClient } from "@dockershim/docker-client";
import { type Daemon, labVariable, startDaemon, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { countRemains, type LabNetwork, readLabNetwork } from "./node-remains.js";

// Pods come and go while the daemon is killed with -9, plugins fail, and sandboxes are removed
// behind its back. Once the kubelet (played by this test) has stopped and removed what is listed,
// nothing may be left: no address, no interface, no firewall rule, no cache file, no container.

const cycles = Number(process.env.FAULT_CYCLES ?? 200);
const parallel = 4;
const dir = mkdtempSync(join(tmpdir(), "shim-leaks-"));
const socket = `unix://${join(dir, "shim.sock")}`;
const root = join(dir, "root");
const confDir = join(dir, "net.d");
const binDir = join(dir, "bin");
const flag = join(dir, "fail-add");
const docker = createDockerClient({ endpoint: labVariable("LAB_DOCKER_ENDPOINT") });
const run = `leaks-${process.pid}`;
let daemon: Daemon;
let cri: CriClient;
let network: LabNetwork;

beforeAll(async () => {
  mkdirSync(confDir);
  mkdirSync(binDir);
  network = readLabNetwork();
  network.list.plugins.push({ type: "flaky" });
  writeFileSync(join(confDir, network.file), JSON.stringify(network.list));
  // The last plugin of the chain: it fails an ADD now and then, after the others have done theirs.
  writeFileSync(
    join(binDir, "flaky"),
    `#!/bin/sh
case $CNI_COMMAND in
VERSION) echo '{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]}';;
ADD) if rm ${flag} 2>/dev/null; then echo '{"cniVersion":"1.0.0","code":11,"msg":"try again"}'; exit 1; fi
  sed 's/.*"prevResult"://; s/}$//' ;;
esac
`,
  );
  chmodSync(join(binDir, "flaky"), 0o755);
  await start();
});

afterAll(async () => {
  cri.close();
  await daemon.stop();
  await docker.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  // What went wrong shows in the counts.
  daemon = await startDaemon({
    listen: socket,
    flags: {
      "root-dir": root,
      "docker-endpoint": labVariable("LAB_DOCKER_ENDPOINT"),
      "cni-conf-dir": confDir,
      "cni-bin-dir": [binDir, labVariable("LAB_CNI_BIN_DIR")],
      "adopt-unlabelled": "false",
      "log-level": "warn",
    },
  });
  cri = createCriClient({ endpoint: socket });
}

async function killDaemon(): Promise<void> {
  await daemon.kill();
  cri.close();
  await start();
}

const count = () => countRemains(docker, network, root, run);

/** What a kubelet does with all that it finds listed. */
async function removeAll(): Promise<void> {
  await until(async () => {
    const { items } = await cri.runtime.listPodSandbox({});
    for (const { id: podSandboxId } of items) {
      await cri.runtime.stopPodSandbox({ podSandboxId });
      await cri.runtime.removePodSandbox({ podSandboxId });
    }
    return (await cri.runtime.listPodSandbox({})).items.length === 0;
  });
}

async function cycle(index: number): Promise<void> {
  const name = `leak-${index}`;
  const config = {
    metadata: { name, namespace: "faults", uid: `${run}-${index}`, attempt: 0 },
    logDirectory: join(dir, "logs", name),
    labels: { run },
    portMappings: [{ protocol: 0, containerPort: 80, hostPort: 30_000 + index, hostIp: "" }],
    linux: {},
  };
  const { podSandboxId } = await cri.runtime.runPodSandbox({ config });
  const fate = Math.random();
  if (fate < 0.15) await docker.containers.remove(podSandboxId, { force: true });
  else if (fate < 0.3) await docker.containers.kill(podSandboxId);
  await cri.runtime.stopPodSandbox({ podSandboxId });
  await cri.runtime.removePodSandbox({ podSandboxId });
}

test(`${cycles} pod cycles with random faults leave nothing behind`, async () => {
  const before = await count();
  let next = 0;
  let kills = 0;
  let failures = 0;
  let restarting: Promise<void> | undefined;
  const worker = async (): Promise<void> => {
    while (next < cycles) {
      const index = next++;
      await restarting;
      if (Math.random() < 0.1) writeFileSync(flag, "");
      const running = cycle(index).catch(() => failures++);
      if (index % 10 === 9) {
        // At any moment of whatever the four are doing.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
        kills++;
        restarting ??= killDaemon().finally(() => {
          restarting = undefined;
        });
      }
      await running;
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  await restarting;
  await removeAll();
  await until(async () => JSON.stringify(await count()) === JSON.stringify(before));
  expect(await count()).toEqual(before);
  console.info(`${cycles} cycles, ${kills} kills, ${failures} cycles cut short; left: nothing`);
});
