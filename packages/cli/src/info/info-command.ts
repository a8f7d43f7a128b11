import { CriClientError } from "@dockershim/cri-client";
import { StatusResponseSchema } from "@dockershim/cri-types";
import { columnsOf } from "../output/field-rows.js";
import {
  addOutputOption,
  messageToObject,
  type OutputFormat,
  printObject,
} from "../output/output-format.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { readInfo } from "../runtime/verbose-info.js";
import { describeRuntime } from "./info-report.js";

/** `dockershim info` */
export const defineInfo: DefineCommand = (command, { terminal }) => {
  addDebugOption(addOutputOption(addRuntimeOptions(command)));
  command.action((options: { output: OutputFormat }) =>
    withRuntime(command, terminal, async (client) => {
      const [version, status] = await Promise.all([
        client.runtime.version({}).catch(ignoreUnavailable),
        client.runtime.status({ verbose: true }),
      ]);
      const info = readInfo(status.info);
      if (options.output !== "table") {
        const object = { ...messageToObject(StatusResponseSchema, status), info };
        await printObject(object, options.output, terminal);
      } else {
        const facts = { endpoint: client.endpoint, version, status, info };
        terminal.stdout.write(await describeRuntime(facts, columnsOf(terminal)));
      }
    }),
  );
};

/** A runtime whose engine is down knows no version but still has a status to tell. */
function ignoreUnavailable(error: unknown): undefined {
  if (error instanceof CriClientError && error.code === "UNAVAILABLE") return;
  throw error;
}
