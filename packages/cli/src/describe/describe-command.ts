import { forEachReference } from "../objects/each-object.js";
import {
  createFinder,
  type ObjectKind,
  referenceHelp,
  typeOption,
} from "../objects/find-object.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { describeContainer } from "./describe-container.js";
import { describeImage } from "./describe-image.js";
import { describePod } from "./describe-pod.js";

const kinds: readonly ObjectKind[] = ["container", "pod", "image"];

/** `dockershim describe` */
export const defineDescribe: DefineCommand = (command, { terminal }) => {
  command.argument("<name...>", `${referenceHelp}; or an image`).addOption(typeOption(kinds));
  addDebugOption(addRuntimeOptions(command));
  command.action((references: string[], { type }: { type?: ObjectKind }) =>
    withRuntime(command, terminal, async (client) => {
      const find = createFinder(client, type ? [type] : kinds);
      const nowMs = terminal.now();
      const describe = async (reference: string): Promise<string> => {
        const found = await find(reference);
        if (found.kind === "container") return describeContainer(client, found, nowMs);
        if (found.kind === "pod") return describePod(client, found, nowMs);
        return describeImage(client, found.id, nowMs);
      };
      await forEachReference(references, describe, (texts) => {
        terminal.stdout.write(texts.join("\n"));
      });
    }),
  );
};
