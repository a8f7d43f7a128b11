import type { DefineCommand } from "./command-context.js";
import { forEachReference, tryOn } from "./each-object.js";
import { createFinder, fullName } from "./find-object.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "./runtime-options.js";

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
