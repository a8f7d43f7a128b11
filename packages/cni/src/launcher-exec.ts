import { CniError } from "./errors.js";
import { createExecutableKinds } from "./executable-kind.js";
import type { CniLog } from "./log.js";
import type { PluginExec, PluginExit, PluginRun } from "./plugin-exec.js";
import { type ShellLauncher, ShellLostError, startShellLauncher } from "./shell-launcher.js";
import { createSpawnExec } from "./spawn-exec.js";

/** More plugins than this at a time are rare; a shell holds some 200 kB of its own. */
const maxIdleLaunchers = 8;

/**
 * Runs plugins by way of shells that are kept for it, which takes a fraction of
 * the time that Node takes to start a process (see `startShellLauncher`). What
 * the shell could not start is started by Node itself, which knows the errno,
 * and so is everything where there is no shell.
 *
 * @param shell path of a POSIX shell
 */
export function createPluginExec(log: CniLog, shell: string = "/bin/sh"): PluginExec {
  const direct = createSpawnExec(log);
  const idle: ShellLauncher[] = [];
  const kinds = createExecutableKinds();
  let shells = true;
  let closed = false;

  const takeLauncher = (env: Readonly<Record<string, string>>): ShellLauncher => {
    for (let launcher = idle.pop(); launcher !== undefined; launcher = idle.pop()) {
      if (launcher.usable) return launcher;
    }
    return startShellLauncher(shell, env);
  };

  const giveBack = (launcher: ShellLauncher) => {
    if (launcher.usable && idle.length < maxIdleLaunchers && !closed) idle.push(launcher);
    else launcher.end();
  };

  return {
    run: async (run) => {
      const kind = kinds.of(run.path);
      if (kind === "foreign") {
        // Both a shell and Node's spawn would read it as a shell script, and run what comes of it.
        throw new CniError(
          "spawn_failed",
          `cannot run ${run.path}: it is neither a program for this machine nor a script`,
        );
      }
      if (!shells || kind === undefined) return direct.run(run);
      const launcher = takeLauncher(run.env);
      try {
        const exit = await launcher.run(run);
        return couldNotStart(run, exit) ? direct.run(run) : exit;
      } catch (error) {
        if (!(error instanceof ShellLostError)) throw error;
        if (error.begun) throw CniError.from(error, "spawn_failed", `cannot run ${run.path}`);
        // Where it could not even be started, it is not tried again.
        shells &&= error.cause === undefined;
        return direct.run(run);
      } finally {
        giveBack(launcher);
      }
    },
    close: () => {
      closed = true;
      for (const launcher of idle.splice(0)) launcher.end();
    },
  };
}

/** Then the shell itself complains, and what Node says of the same is an errno. */
function couldNotStart({ path }: PluginRun, { exitCode, stdout, stderr }: PluginExit): boolean {
  return (
    (exitCode === 126 || exitCode === 127) &&
    stdout === "" &&
    /^(?:\/bin\/)?sh: /.test(stderr) &&
    stderr.includes(`${path}: `)
  );
}
