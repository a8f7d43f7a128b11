import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import {
  type ContainerConfigSchema,
  ContainerState,
  type PodSandboxConfigSchema,
} from "@dockershim/cri-types";
import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import { labVariable, until } from "@dockershim/testing";
import { type Logger, pino } from "pino";
import { type Shim, type ShimOptions, startShim } from "../src/index.js";

/** A message as an object literal, which can be spread and completed. */
type Plain<T> = Extract<T, { $typeName?: never }>;
type SandboxConfig = Plain<MessageInitShape<typeof PodSandboxConfigSchema>>;
type ContainerConfig = Plain<MessageInitShape<typeof ContainerConfigSchema>>;

/** A daemon on the lab's engine, with a client on its socket and one on the engine behind it. */
export interface Harness {
  readonly dir: string;
  readonly options: Partial<ShimOptions>;
  readonly docker: DockerClient;
  cri: CriClient;
  /** Ends the daemon alone; {@link restart} starts another one. */
  stop(): Promise<void>;
  /** Ends the daemon and starts another one in its place. */
  restart(changes?: Partial<ShimOptions>): Promise<void>;
  sandboxConfig(changes?: SandboxConfig): SandboxConfig;
  containerConfig(changes?: ContainerConfig): ContainerConfig;
  /** Runs a pod with one container; its command sleeps unless told otherwise. */
  runPod(
    sandbox?: SandboxConfig,
    container?: ContainerConfig,
  ): Promise<{ podSandboxId: string; containerId: string; config: SandboxConfig }>;
  /** What a container wrote to its log, once it has ended. */
  logOf(containerId: string): Promise<string>;
  /** Ids of this daemon's containers that the engine has, sandboxes included. */
  dockerIds(): Promise<string[]>;
  /** Removes every pod of this daemon and ends it. */
  close(): Promise<void>;
}

/**
 * A client whose every call that answers once has a deadline, well before jest's own, so that a
 * daemon that hangs is found with the name of the call.
 */
function createClient(endpoint: string): CriClient {
  const deadlineMs = 60_000 * Number(process.env.TEST_PATIENCE || 1);
  const client = createCriClient({
    endpoint,
    timeoutMs: deadlineMs,
    operationTimeoutMs: deadlineMs,
  });
  const { execSync } = client.runtime;
  // What has no timeout of its own may run for ever otherwise.
  client.runtime.execSync = (request, options) =>
    execSync(request, request.timeout ? options : { timeoutMs: deadlineMs, ...options });
  return client;
}

export async function createHarness(
  changes: Partial<ShimOptions> = {},
  log: Logger = pino({ level: process.env.SHIM_LOG ?? "silent" }),
): Promise<Harness> {
  const dir = mkdtempSync(join(tmpdir(), "shim-"));
  const options: Partial<ShimOptions> = {
    listen: `unix://${join(dir, "shim.sock")}`,
    rootDir: join(dir, "root"),
    dockerEndpoint: labVariable("LAB_DOCKER_ENDPOINT"),
    cniConfDir: labVariable("LAB_CNI_CONF_DIR"),
    cniBinDirs: [labVariable("LAB_CNI_BIN_DIR")],
    adoptUnlabelled: false,
    ...changes,
  };
  const docker = createDockerClient({ endpoint: labVariable("LAB_DOCKER_ENDPOINT") });
  let shim: Shim = await startShim(options, log);
  const run = randomBytes(4).toString("hex");
  let pods = 0;
  let stopped: Promise<void> | undefined;

  const harness: Harness = {
    dir,
    options,
    docker,
    cri: createClient(shim.endpoint),
    async stop() {
      stopped ??= shim.close();
      await stopped;
    },
    async restart(restarted = {}) {
      harness.cri.close();
      await harness.stop();
      stopped = undefined;
      shim = await startShim({ ...options, ...restarted }, log);
      harness.cri = createClient(shim.endpoint);
    },
    sandboxConfig(sandbox = {}) {
      const name = `pod-${pods++}`;
      return {
        metadata: { name, namespace: "test", uid: `${run}-${name}`, attempt: 0 },
        logDirectory: join(dir, "logs", name),
        labels: { run },
        linux: {},
        ...sandbox,
      };
    },
    containerConfig: (container = {}) => ({
      metadata: { name: "main", attempt: 0 },
      image: { image: labVariable("LAB_IMAGE") },
      command: ["sleep", "3600"],
      logPath: "main.log",
      labels: { run },
      linux: {},
      ...container,
    }),
    async runPod(sandbox, container) {
      const config = harness.sandboxConfig(sandbox);
      const { podSandboxId } = await harness.cri.runtime.runPodSandbox({ config });
      const { containerId } = await harness.cri.runtime.createContainer({
        podSandboxId,
        sandboxConfig: config,
        config: harness.containerConfig(container),
      });
      await harness.cri.runtime.startContainer({ containerId });
      return { podSandboxId, containerId, config };
    },
    async logOf(containerId) {
      const status = async () =>
        (await harness.cri.runtime.containerStatus({ containerId })).status;
      await until(async () => (await status())?.state === ContainerState.CONTAINER_EXITED);
      const text = readFileSync((await status())?.logPath ?? "", "utf8");
      return text.replace(/^\S+ std\w+ [FP] /gm, "").trim();
    },
    async dockerIds() {
      const found = await docker.containers.list({ all: true, filters: { label: [`run=${run}`] } });
      return found.map(({ Id }) => Id);
    },
    async close() {
      const { items } = await harness.cri.runtime.listPodSandbox({});
      await Promise.all(
        items.map(({ id }) => harness.cri.runtime.removePodSandbox({ podSandboxId: id })),
      );
      harness.cri.close();
      await harness.stop();
      for (const id of await harness.dockerIds()) {
        await docker.containers.remove(id, { force: true, volumes: true });
      }
      await docker.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return harness;
}
