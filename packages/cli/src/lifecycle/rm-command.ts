import type { CriClient } from "@dockershim/cri-client";
import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { CliError } from "../cli-error.js";
import { forEachReference, tryOn } from "../objects/each-object.js";
import {
  createFinder,
  fullName,
  referenceHelp,
  typeOption,
  type Workload,
  type WorkloadKind,
} from "../objects/find-object.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { addGraceOption, stopObject } from "./stop-object.js";

const kinds: readonly WorkloadKind[] = ["container", "pod"];

interface RmOptions {
  type?: WorkloadKind;
  force?: boolean;
  gracePeriod: number;
}

/** `dockershim rm` */
export const defineRm: DefineCommand = (command, { terminal }) => {
  command
    .argument("<name...>", referenceHelp)
    .addOption(typeOption(kinds))
    .option("-f, --force", "also what runs: it is stopped first");
  addDebugOption(addRuntimeOptions(addGraceOption(command)));
  command.action((references: string[], options: RmOptions) =>
    withRuntime(command, terminal, async (client) => {
      const find = createFinder(client, options.type ? [options.type] : kinds);
      await forEachReference(references, async (reference) => {
        const found = await find(reference);
        const name = `${found.kind} ${fullName(found)}`;
        await tryOn(name, () => remove(client, found, options));
        terminal.stdout.write(`${name} removed\n`);
      });
    }),
  );
};

async function remove(client: CriClient, found: Workload, options: RmOptions): Promise<void> {
  if (isRunning(found)) {
    if (!options.force) {
      const name = `${found.kind} ${fullName(found)}`;
      throw new CliError("failure", `${name} is running: stop it first, or say --force`);
    }
    await stopObject(client, found, options.gracePeriod);
  }
  if (found.kind === "container") await client.runtime.removeContainer({ containerId: found.id });
  else await client.runtime.removePodSandbox({ podSandboxId: found.id });
}

function isRunning(found: Workload): boolean {
  return found.kind === "container"
    ? found.container.state === ContainerState.CONTAINER_RUNNING
    : found.sandbox.state === PodSandboxState.SANDBOX_READY;
}
