import { forEachReference, tryOn } from "../objects/each-object.js";
import {
  createFinder,
  fullName,
  referenceHelp,
  typeOption,
  type WorkloadKind,
} from "../objects/find-object.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { addGraceOption, stopObject } from "./stop-object.js";

const kinds: readonly WorkloadKind[] = ["container", "pod"];

interface StopOptions {
  type?: WorkloadKind;
  gracePeriod: number;
}

/** `dockershim stop` */
export const defineStop: DefineCommand = (command, { terminal }) => {
  command.argument("<name...>", referenceHelp).addOption(typeOption(kinds));
  addDebugOption(addRuntimeOptions(addGraceOption(command), "--timeout <duration>"));
  command.action((references: string[], { type, gracePeriod }: StopOptions) =>
    withRuntime(command, terminal, async (client) => {
      const find = createFinder(client, type ? [type] : kinds);
      await forEachReference(references, async (reference) => {
        const found = await find(reference);
        const name = `${found.kind} ${fullName(found)}`;
        await tryOn(name, () => stopObject(client, found, gracePeriod));
        terminal.stdout.write(`${name} stopped\n`);
      });
    }),
  );
};
