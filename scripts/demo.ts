// Shows what dockershim does: a pod on Docker, started through CRI by this demo in the kubelet's place.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createCriClient } from "@dockershim/cri-client";
import { labConfig } from "../lab/config.ts";
import { down, up } from "../lab/up-down.ts";

const daemon = join(import.meta.dirname, "../packages/cli/bin/dockershim.js");

function step(text: string): void {
  console.log(`\n\x1b[1m# ${text}\x1b[0m`);
}

/** Starts the daemon and waits until it says that it is ready. */
async function startDaemon(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [daemon, "serve", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`the daemon ended with ${code} before it was ready`);
  });
  const ready = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      console.log(line);
      if (line.includes('"msg":"ready"')) resolve();
    });
  });
  await Promise.race([ready, failed]);
  failed.catch(() => undefined);
  return child;
}

async function stopDaemon(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

async function runPod(socket: string, image: string, logDirectory: string): Promise<void> {
  const cri = createCriClient({ endpoint: `unix://${socket}` });
  try {
    const { runtimeName, runtimeVersion } = await cri.runtime.version({});
    step(`CRI answers on ${socket}: ${runtimeName} ${runtimeVersion}`);

    const sandboxConfig = {
      metadata: { name: "hello", namespace: "default", uid: "demo-1", attempt: 0 },
      hostname: "hello",
      logDirectory,
      linux: {},
    };
    step("RunPodSandbox: a pause container, and an address from CNI");
    const { podSandboxId } = await cri.runtime.runPodSandbox({ config: sandboxConfig });
    const sandbox = await cri.runtime.podSandboxStatus({ podSandboxId });
    console.log(`sandbox ${podSandboxId.slice(0, 12)}, IP ${sandbox.status?.network?.ip}`);

    step(`CreateContainer, StartContainer: ${image}`);
    const greeting = 'echo "Hello from $(hostname)"; exec sleep 3600';
    const { containerId } = await cri.runtime.createContainer({
      podSandboxId,
      sandboxConfig,
      config: {
        metadata: { name: "greeter", attempt: 0 },
        image: { image },
        command: ["sh", "-c", greeting],
        logPath: "greeter.log",
        linux: {},
      },
    });
    await cri.runtime.startContainer({ containerId });
    const { status } = await cri.runtime.containerStatus({ containerId });
    console.log(`container ${containerId.slice(0, 12)}, log ${status?.logPath}`);

    step("ExecSync: ip addr show eth0");
    const exec = await cri.runtime.execSync({
      containerId,
      cmd: ["ip", "addr", "show", "eth0"],
      timeout: 10n,
    });
    process.stdout.write(new TextDecoder().decode(exec.stdout));

    step("The container's log");
    process.stdout.write(readFileSync(status?.logPath ?? "", "utf8"));

    step("StopPodSandbox, RemovePodSandbox");
    await cri.runtime.stopPodSandbox({ podSandboxId });
    await cri.runtime.removePodSandbox({ podSandboxId });
    const left = await cri.runtime.listPodSandbox({});
    console.log(`sandboxes left: ${left.items.length}`);
  } finally {
    cri.close();
  }
}

const config = labConfig({ ...process.env, LAB: process.env.LAB ?? "demo" });
const scratch = mkdtempSync(join(tmpdir(), "dockershim-demo-"));
let child: ChildProcess | undefined;
try {
  step("A private Docker engine");
  const lab = await up(config);
  console.log(`Docker ${lab.LAB_DOCKER_VERSION} at ${lab.LAB_DOCKER_ENDPOINT}`);

  step("The daemon: dockershim serve");
  const socket = join(scratch, "dockershim.sock");
  child = await startDaemon([
    `--listen=unix://${socket}`,
    `--docker-endpoint=${lab.LAB_DOCKER_ENDPOINT}`,
    `--cni-conf-dir=${lab.LAB_CNI_CONF_DIR}`,
    `--cni-bin-dir=${lab.LAB_CNI_BIN_DIR}`,
    `--root-dir=${join(scratch, "root")}`,
  ]);
  await runPod(socket, lab.LAB_IMAGE, join(scratch, "logs"));
  step("Done. Cleaning up");
} catch (err) {
  console.error(`the demo failed: ${err instanceof Error ? err.message : err}`);
  process.exitCode = 1;
} finally {
  if (child !== undefined) await stopDaemon(child);
  await down(config);
  rmSync(scratch, { recursive: true, force: true });
}
