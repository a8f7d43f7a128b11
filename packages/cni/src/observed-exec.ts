import { basename } from "node:path";
import type { PluginExec } from "./plugin-exec.js";

/** Told that a plugin is run; what it returns, of the end, with a reason where that is none of success. */
export type PluginObserver = (plugin: string, command: string) => (error?: unknown) => void;

/** Runs plugins and tells of each. */
export function observePlugins(exec: PluginExec, observe: PluginObserver): PluginExec {
  return {
    close: () => exec.close(),
    async run(run) {
      const end = observe(basename(run.path), run.variables.CNI_COMMAND ?? "");
      try {
        const exit = await exec.run(run);
        end(exit.exitCode === 0 ? undefined : (exit.signal ?? exit.exitCode));
        return exit;
      } catch (err) {
        end(err);
        throw err;
      }
    },
  };
}
