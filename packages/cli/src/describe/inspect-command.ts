import type { CriClient } from "@dockershim/cri-client";
import {
  ContainerStatusResponseSchema,
  ImageStatusResponseSchema,
  PodSandboxStatusResponseSchema,
} from "@dockershim/cri-types";
import { forEachReference } from "../objects/each-object.js";
import { notFound } from "../objects/find-by-reference.js";
import {
  createFinder,
  type FoundObject,
  type ObjectKind,
  referenceHelp,
  typeOption,
} from "../objects/find-object.js";
import {
  formatObject,
  messageToObject,
  type ObjectFormat,
  outputOption,
} from "../output/output-format.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { readInfo } from "../runtime/verbose-info.js";

const kinds: readonly ObjectKind[] = ["container", "pod", "image"];

interface InspectOptions {
  type?: ObjectKind;
  output: ObjectFormat;
}

/** `dockershim inspect` */
export const defineInspect: DefineCommand = (command, { terminal }) => {
  command
    .argument("<name...>", `${referenceHelp}; or an image`)
    .addOption(typeOption(kinds))
    .addOption(
      outputOption(["json", "yaml"], "how to print; several are an array, or documents of YAML"),
    );
  addDebugOption(addRuntimeOptions(command));
  command.action((references: string[], { type, output }: InspectOptions) =>
    withRuntime(command, terminal, async (client) => {
      const find = createFinder(client, type ? [type] : kinds);
      await forEachReference(
        references,
        async (reference) => inspect(client, await find(reference)),
        async (found) => {
          if (found.length === 0) return;
          terminal.stdout.write(await format(found, output, references.length > 1));
        },
      );
    }),
  );
};

/** CRI's verbose status, with the runtime's own details as values. */
async function inspect(client: CriClient, found: FoundObject): Promise<object> {
  const { id } = found;
  switch (found.kind) {
    case "container": {
      const reply = await client.runtime.containerStatus({ containerId: id, verbose: true });
      return {
        ...messageToObject(ContainerStatusResponseSchema, reply),
        info: readInfo(reply.info),
      };
    }
    case "pod": {
      const reply = await client.runtime.podSandboxStatus({ podSandboxId: id, verbose: true });
      return {
        ...messageToObject(PodSandboxStatusResponseSchema, reply),
        info: readInfo(reply.info),
      };
    }
    case "image": {
      const reply = await client.image.imageStatus({ image: { image: id }, verbose: true });
      if (reply.image === undefined) throw notFound(id, "image");
      return { ...messageToObject(ImageStatusResponseSchema, reply), info: readInfo(reply.info) };
    }
  }
}

async function format(
  found: readonly object[],
  output: ObjectFormat,
  several: boolean,
): Promise<string> {
  if (output !== "yaml") return await formatObject(several ? found : (found[0] ?? {}), output);
  return (await Promise.all(found.map((each) => formatObject(each, output)))).join("---\n");
}
