import { resolve } from "node:path";
import { tryOn } from "../objects/each-object.js";
import { createFinder, fullName } from "../objects/find-object.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

/** `dockershim checkpoint` */
export const defineCheckpoint: DefineCommand = (command, { terminal }) => {
  command
    .argument("<container>", "id, beginning of it, or name, as pod/container")
    .requiredOption("-e, --export <file>", "the archive that the runtime writes on this node");
  addDebugOption(addRuntimeOptions(command));
  command.action((reference: string, options: { export: string }) =>
    withRuntime(command, terminal, async (client) => {
      const found = await createFinder(client, ["container"])(reference);
      const location = resolve(options.export);
      const name = `container ${fullName(found)}`;
      await tryOn(name, () =>
        client.runtime.checkpointContainer({ containerId: found.id, location, timeout: 0n }),
      );
      terminal.stdout.write(`${name} checkpointed: ${location}\n`);
    }),
  );
};
