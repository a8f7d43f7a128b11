import type { CriClient } from "@dockershim/cri-client";
import {
  type ContainerConfig,
  ContainerConfigSchema,
  type PodSandboxConfig,
  PodSandboxConfigSchema,
} from "@dockershim/cri-types";
import { messageOf } from "../cli-error.js";
import { tryOn } from "../objects/each-object.js";
import type { Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { containerName, createContainer, podName } from "./create-container.js";
import { readCriFile } from "./cri-file.js";

/** `dockershim run` */
export const defineRun: DefineCommand = (command, { terminal }) => {
  command
    .argument("<pod-file>", "CRI's PodSandboxConfig, as YAML or JSON")
    .argument("[container-file...]", "CRI's ContainerConfig of each container")
    .option("--runtime <handler>", "the runtime handler, instead of the default");
  addDebugOption(addRuntimeOptions(command));
  command.action(
    async (podFile: string, files: string[], { runtime = "" }: { runtime?: string }) => {
      const pod = await readCriFile(PodSandboxConfigSchema, podFile);
      const containers = await Promise.all(
        files.map((file) => readCriFile(ContainerConfigSchema, file)),
      );
      await withRuntime(command, terminal, async (client) => {
        const request = { config: pod, runtimeHandler: runtime };
        const made = await tryOn(podName(pod), () => client.runtime.runPodSandbox(request));
        try {
          for (const each of containers) {
            await start(client, made.podSandboxId, pod, each, terminal);
          }
        } catch (error) {
          await undo(client, made.podSandboxId, pod, terminal);
          throw error;
        }
        terminal.stdout.write(`${podName(pod)} runs: ${made.podSandboxId}\n`);
      });
    },
  );
};

async function start(
  client: CriClient,
  podSandboxId: string,
  pod: PodSandboxConfig,
  config: ContainerConfig,
  terminal: Terminal,
): Promise<void> {
  const containerId = await createContainer(client, podSandboxId, pod, config, terminal);
  await tryOn(containerName(pod, config), () => client.runtime.startContainer({ containerId }));
}

/** Nothing stays of a pod whose containers do not all start; what cannot be removed is told beside why. */
async function undo(
  { runtime }: CriClient,
  podSandboxId: string,
  pod: PodSandboxConfig,
  { stderr }: Terminal,
): Promise<void> {
  try {
    await runtime.stopPodSandbox({ podSandboxId });
    await runtime.removePodSandbox({ podSandboxId });
  } catch (error) {
    const why = messageOf(error);
    stderr.write(`dockershim: ${podName(pod)} is left over: ${why}\n`);
  }
}
