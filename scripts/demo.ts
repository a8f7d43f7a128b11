// Shows what dockershim does: a pod on Docker, started through CRI by this demo in the kubelet's place.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { type Daemon, labFlags, startDaemon } from "@dockershim/testing";
import { labConfig } from "../lab/config.ts";
import { down, up } from "../lab/up-down.ts";
import { step } from "./step.ts";

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
let daemon: Daemon | undefined;
try {
  step("A private Docker engine");
  const lab = await up(config);
  console.log(`Docker ${lab.LAB_DOCKER_VERSION} at ${lab.LAB_DOCKER_ENDPOINT}`);

  step("The daemon: dockershim serve");
  const socket = join(scratch, "dockershim.sock");
  daemon = await startDaemon({
    listen: `unix://${socket}`,
    flags: { "root-dir": join(scratch, "root"), ...labFlags(lab) },
    onLine: console.log,
  });
  await runPod(socket, lab.LAB_IMAGE, join(scratch, "logs"));
  step("Done. Cleaning up");
} catch (err) {
  console.error(`the demo failed: ${err instanceof Error ? err.message : err}`);
  process.exitCode = 1;
} finally {
  await daemon?.stop();
  await down(config);
  rmSync(scratch, { recursive: true, force: true });
}
