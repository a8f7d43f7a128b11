import { forEachReference, tryOn } from "../objects/each-object.js";
import { createFinder, fullName } from "../objects/find-object.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

/** `dockershim start` */
export const defineStart: DefineCommand = (command, { terminal }) => {
  command.argument("<container...>", "ids, beginnings of them, or names, as of pod/container");
  addDebugOption(addRuntimeOptions(command));
  command.action((references: string[]) =>
    withRuntime(command, terminal, async (client) => {
      const find = createFinder(client, ["container"]);
      await forEachReference(references, async (reference) => {
        const found = await find(reference);
        const name = `container ${fullName(found)}`;
        await tryOn(name, () => client.runtime.startContainer({ containerId: found.id }));
        terminal.stdout.write(`${name} started\n`);
      });
    }),
  );
};
