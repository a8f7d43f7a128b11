import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Endpoint } from "./endpoint.ts";
import { engineRequest } from "./engine-request.ts";
import { type PodChoices, startPod, stopPod } from "./pods.ts";

/** The engine and the pod network that pods are made with by hand. */
export interface Node {
  /** Path of the engine's socket. */
  readonly docker: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
}

/** A pod that was made by hand. */
export interface HandMadePod {
  readonly sandbox: string;
  readonly container: string;
  readonly netns: string;
  /** CNI's result of the ADD, which the DEL is given. */
  readonly result: object;
}

/** Told how long each step took, in ms. */
export type OnStep = (step: string, ms: number) => void;

/** Makes and removes pods with nothing but the engine's calls and CNI plugins. */
export interface ByHand {
  start(onStep: OnStep): Promise<HandMadePod>;
  stop(pod: HandMadePod, onStep: OnStep): Promise<void>;
  /** Runs a command in a container and waits for its end. */
  exec(container: string, command: readonly string[]): Promise<void>;
}

/** What of an inspected container goes into the body that would create it again. */
interface Inspected {
  readonly Config: { readonly Labels: Record<string, string> };
  readonly HostConfig: {
    readonly NetworkMode: string;
    readonly Annotations?: Record<string, string> | null;
  };
}

/** containerd's annotation for containers that share a shim. */
const shimGroup = "io.containerd.runc.v2.group";

/**
 * The same pods that an endpoint makes, without it: the create bodies are taken from a pod of the
 * endpoint's, so every option is in them, and labels that runtimes know theirs by are left out.
 *
 * Requests go over kept connections, one after the other: create and start the sandbox, inspect it
 * for its process, run ADD of each plugin, create and start the container. There is no less that
 * comes to a pod on a network.
 *
 * @param mark Label that removes what is left over.
 */
export async function createByHand(
  endpoint: Endpoint,
  node: Node,
  choices: PodChoices,
  mark: string,
): Promise<ByHand> {
  const { docker } = node;
  const network = readNetwork(node);
  const model = await startPod(endpoint, choices);
  const [sandboxModel, containerModel] = await Promise.all(
    [model.sandboxId, model.containerId].map((id) => inspect(docker, id)),
  );
  await stopPod(endpoint, model);
  if (sandboxModel === undefined || containerModel === undefined) throw new Error("no model");
  let count = 0;

  async function make(body: object): Promise<string> {
    const made = await engineRequest(docker, "POST", "/containers/create", body);
    return (made as { Id: string }).Id;
  }

  return {
    async start(onStep) {
      const step = stepper(onStep);
      const group = `${mark}-${count++}`;
      const sandbox = await make(bodyOf(sandboxModel, mark, group));
      step("create the sandbox");
      await engineRequest(docker, "POST", `/containers/${sandbox}/start`);
      step("start the sandbox");
      const { State } = (await inspect(docker, sandbox)) as { State: { Pid: number } } & Inspected;
      const netns = `/proc/${State.Pid}/ns/net`;
      step("inspect the sandbox");
      const result = await addToNetwork(network, sandbox, netns);
      step("CNI ADD");
      const body = JSON.stringify(bodyOf(containerModel, mark, group));
      const container = await make(JSON.parse(body.replaceAll(model.sandboxId, sandbox)));
      step("create the container");
      await engineRequest(docker, "POST", `/containers/${container}/start`);
      step("start the container");
      return { sandbox, container, netns, result };
    },

    async stop({ sandbox, container, netns, result }, onStep) {
      const step = stepper(onStep);
      await engineRequest(docker, "POST", `/containers/${container}/stop?t=0`);
      step("stop the container");
      await deleteFromNetwork(network, sandbox, netns, result);
      step("CNI DEL");
      await engineRequest(docker, "POST", `/containers/${sandbox}/stop`);
      step("stop the sandbox");
      await engineRequest(docker, "DELETE", `/containers/${container}?force=1&v=1`);
      step("remove the container");
      await engineRequest(docker, "DELETE", `/containers/${sandbox}?force=1&v=1`);
      step("remove the sandbox");
    },

    async exec(container, Cmd) {
      const body = { AttachStdout: true, AttachStderr: true, Cmd };
      const made = await engineRequest(docker, "POST", `/containers/${container}/exec`, body);
      const { Id } = made as { Id: string };
      await engineRequest(docker, "POST", `/exec/${Id}/start`, { Detach: false, Tty: false });
      await engineRequest(docker, "GET", `/exec/${Id}/json`);
    },
  };
}

function stepper(onStep: OnStep): (name: string) => void {
  let last = performance.now();
  return (name) => {
    const now = performance.now();
    onStep(name, now - last);
    last = now;
  };
}

async function inspect(docker: string, id: string): Promise<Inspected> {
  return (await engineRequest(docker, "GET", `/containers/${id}/json`)) as Inspected;
}

function bodyOf({ Config, HostConfig }: Inspected, mark: string, group: string): object {
  const Annotations = HostConfig.Annotations?.[shimGroup]
    ? { ...HostConfig.Annotations, [shimGroup]: group }
    : HostConfig.Annotations;
  // As many bytes as a runtime's labels are, under names that no runtime looks at.
  const labels = Object.entries(Config.Labels).map(([name, value]) => [`by-hand.${name}`, value]);
  // An inspect tells the sandbox's, and a create refuses them together with its network.
  const joins = HostConfig.NetworkMode.startsWith("container:");
  return {
    ...Config,
    ...(joins ? { Hostname: "", Domainname: "" } : {}),
    Labels: { ...Object.fromEntries(labels), bench: mark },
    HostConfig: { ...HostConfig, Annotations },
  };
}

interface Plugin {
  readonly type: string;
  readonly capabilities?: Record<string, boolean>;
}

interface Network extends Node {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly Plugin[];
}

/** The first network list of the folder, as CNI runtimes choose it. */
function readNetwork(node: Node): Network {
  const file = readdirSync(node.cniConfDir)
    .filter((name) => name.endsWith(".conflist"))
    .sort()[0];
  if (file === undefined) throw new Error(`${node.cniConfDir} has no network list`);
  return { ...JSON.parse(readFileSync(join(node.cniConfDir, file), "utf8")), ...node };
}

async function addToNetwork(network: Network, id: string, netns: string): Promise<object> {
  let result: object | undefined;
  for (const plugin of network.plugins) {
    result = JSON.parse(await runPlugin("ADD", network, plugin, id, netns, result));
  }
  return result ?? {};
}

async function deleteFromNetwork(
  network: Network,
  id: string,
  netns: string,
  result: object,
): Promise<void> {
  for (const plugin of network.plugins.toReversed()) {
    await runPlugin("DEL", network, plugin, id, netns, result);
  }
}

async function runPlugin(
  command: "ADD" | "DEL",
  { name, cniVersion, cniBinDir }: Network,
  { capabilities: _, ...plugin }: Plugin,
  containerId: string,
  netns: string,
  prevResult: object | undefined,
): Promise<string> {
  const child = spawn(join(cniBinDir, plugin.type), {
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      ...process.env,
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerId,
      CNI_NETNS: netns,
      CNI_IFNAME: "eth0",
      CNI_PATH: cniBinDir,
    },
  });
  child.stdin.end(JSON.stringify({ ...plugin, name, cniVersion, prevResult }));
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const output = Buffer.concat(chunks).toString();
  if (code !== 0) throw new Error(`${command} of ${plugin.type}: ${output}`);
  return output;
}
