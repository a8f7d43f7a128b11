import { CliError } from "../cli-error.js";
import { findContainer } from "../objects/find-container.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

interface AttachOptions {
  stdin?: boolean;
  tty?: boolean;
}

/** `dockershim attach` */
export const defineAttach: DefineCommand = (command, { terminal }) => {
  command
    .argument(
      "<container>",
      "id, beginning of it, name, pod/name or namespace/pod/name; or a pod with one container",
    )
    .option("-i, --stdin", "pass this command's input on, to a container that reads its own")
    .option("-t, --tty", "the container has a terminal");
  addDebugOption(addRuntimeOptions(command, "--timeout <duration>"));
  command.action(async (reference: string, { stdin = false, tty = false }: AttachOptions) => {
    const input = terminal.stdin ?? process.stdin;
    if (tty && stdin && (input as { isTTY?: boolean }).isTTY !== true) {
      throw new CliError("usage", "attach: -t needs a terminal as input: leave out -t, or -i");
    }
    await withRuntime(command, terminal, async (client) => {
      const { id: containerId } = await findContainer(client, reference);
      const ends = { stdin, tty, stdout: true, stderr: !tty };
      const { url } = await client.runtime.attach({ containerId, ...ends });
      const { runExecSession } = await import("./exec-session.js");
      const { stdout, stderr } = terminal;
      await runExecSession(url, { stdin: stdin ? input : undefined, stdout, stderr, tty });
    });
  });
};
