import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { toolPath } from "../../lab/command.ts";
import { runsSystemd } from "../../lab/config.ts";
import { endProcess } from "../../lab/process-id.ts";
import { quote } from "../../lab/quote.ts";

const manager = join(import.meta.dirname, "service-manager.ts");

/**
 * The variables by which the suite finds who runs its kubelet as a service: systemd, or what stands in for it where
 * systemd does not run.
 *
 * @param folder of the run
 */
export function serviceEnv(folder: string): Record<string, string> {
  if (runsSystemd()) return { PATH: toolPath };
  const bin = join(folder, "services");
  const units = join(folder, "units");
  for (const path of [bin, units]) mkdirSync(path, { recursive: true });
  for (const name of ["systemd-run", "systemctl", "sudo"]) {
    const command = [process.execPath, manager, name].map(quote).join(" ");
    writeFileSync(join(bin, name), `#!/bin/sh\nexec ${command} "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return { PATH: `${bin}:${toolPath}`, SUITE_UNITS: units };
}

/** Ends what a run that was cut off left of its services. */
export async function endServices(folder: string): Promise<void> {
  const units = join(folder, "units");
  if (!existsSync(units)) return;
  for (const file of readdirSync(units)) {
    await endProcess(JSON.parse(readFileSync(join(units, file), "utf8")).process, 10_000);
  }
}
