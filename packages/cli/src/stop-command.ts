import type { DefineCommand } from "./command-context.js";
import { forEachReference } from "./each-object.js";
import {
  createFinder,
  fullName,
  referenceHelp,
  tryOn,
  typeOption,
  type WorkloadKind,
} from "./find-object.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "./runtime-options.js";
import { addGraceOption, stopObject } from "./stop-object.js";

const kinds: readonly WorkloadKind[] = ["container", "pod"];

interface StopOptions {
  type?: WorkloadKind;
  gracePeriod: number;
}

/** `dockershim stop` */
export const defineStop: DefineCommand = (command, { terminal }) => {
  command.argument("<name...>", referenceHelp).addOption(typeOption(kinds));
  addDebugOption(addRuntimeOptions(addGraceOption(command)));
  command.action((references: string[], { type, gracePeriod }: StopOptions) =>
    withRuntime(command, terminal, async (client) => {
      const find = createFinder(client, type ? [type] : kinds);
      await forEachReference(references, async (reference) => {
        const found = await find(reference);
        await tryOn(found, () => stopObject(client, found, gracePeriod));
        terminal.stdout.write(`${found.kind} ${fullName(found)} stopped\n`);
      });
    }),
  );
};
