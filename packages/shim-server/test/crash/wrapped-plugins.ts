import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** CNI plugins that count their runs, and at one of them kill the daemon before or after the work. */
export interface WrappedPlugins {
  /** To be searched before the folder of the real ones. */
  readonly binDir: string;
  /** Runs, as `CNI ADD bridge before`, since the last {@link WrappedPlugins.forget}. */
  steps(): string[];
  forget(): void;
  planKill(step: string): void;
  /** Whom to kill. */
  setPid(pid: number): void;
}

/** @param types The plugins, which are in `realDir`. */
export function wrapPlugins(
  dir: string,
  realDir: string,
  types: readonly string[],
): WrappedPlugins {
  const binDir = join(dir, "bin");
  const [steps, kill, pid] = ["steps", "kill", "pid"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(binDir, { recursive: true });
  for (const type of types) {
    const path = join(binDir, type);
    // The real one goes on as an orphan, as it would.
    writeFileSync(
      path,
      `#!/bin/sh
[ "$CNI_COMMAND" != VERSION ] || exec ${realDir}/${type}
step() {
  echo "CNI $CNI_COMMAND ${type} $1" >> ${steps}
  [ "$(cat ${kill} 2>/dev/null)" = "CNI $CNI_COMMAND ${type} $1" ] || return 0
  rm ${kill}
  kill -9 "$(cat ${pid})"
}
step before
output=$(${realDir}/${type})
status=$?
step after
printf %s "$output"
exit $status
`,
    );
    chmodSync(path, 0o755);
  }
  const plugins: WrappedPlugins = {
    binDir,
    steps: () => (existsSync(steps) ? readFileSync(steps, "utf8").trimEnd().split("\n") : []),
    forget() {
      for (const file of [steps, kill]) rmSync(file, { force: true });
    },
    planKill: (step) => writeFileSync(kill, step),
    setPid: (id) => writeFileSync(pid, String(id)),
  };
  return plugins;
}
