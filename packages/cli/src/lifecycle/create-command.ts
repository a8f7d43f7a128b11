import { ContainerConfigSchema, PodSandboxConfigSchema } from "@dockershim/cri-types";
import { findSandbox } from "../objects/find-sandbox.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { containerName, createContainer } from "./create-container.js";
import { readCriFile } from "./cri-file.js";

/** `dockershim create` */
export const defineCreate: DefineCommand = (command, { terminal }) => {
  command
    .argument("<pod>", "id, beginning of it, name or namespace/name")
    .argument("<container-file>", "CRI's ContainerConfig, as YAML or JSON")
    .argument("<pod-file>", "CRI's PodSandboxConfig that the pod was made of");
  addDebugOption(addRuntimeOptions(command));
  command.action(async (reference: string, containerFile: string, podFile: string) => {
    const config = await readCriFile(ContainerConfigSchema, containerFile);
    const pod = await readCriFile(PodSandboxConfigSchema, podFile);
    await withRuntime(command, terminal, async (client) => {
      const { id: sandbox } = await findSandbox(client, reference);
      const id = await createContainer(client, sandbox, pod, config, terminal);
      terminal.stdout.write(`${containerName(pod, config)} created: ${id}\n`);
    });
  });
};
