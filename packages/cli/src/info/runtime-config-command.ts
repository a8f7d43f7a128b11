import { CgroupDriver, RuntimeConfigResponseSchema } from "@dockershim/cri-types";
import {
  addOutputOption,
  messageToObject,
  type OutputFormat,
  printObject,
} from "../output/output-format.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

/** `dockershim runtime-config` */
export const defineRuntimeConfig: DefineCommand = (command, { terminal }) => {
  addDebugOption(addOutputOption(addRuntimeOptions(command)));
  command.action(({ output }: { output: OutputFormat }) =>
    withRuntime(command, terminal, async (client) => {
      const reply = await client.runtime.runtimeConfig({});
      if (output !== "table") {
        await printObject(messageToObject(RuntimeConfigResponseSchema, reply), output, terminal);
        return;
      }
      const { linux } = reply;
      const drivers = {
        [CgroupDriver.SYSTEMD]: "systemd",
        [CgroupDriver.CGROUPFS]: "cgroupfs",
      };
      const driver = linux ? drivers[linux.cgroupDriver] : "not told";
      terminal.stdout.write(`Cgroup driver:   ${driver}\n`);
    }),
  );
};
