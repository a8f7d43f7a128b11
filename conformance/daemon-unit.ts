import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serviceUnit } from "@dockershim/cli";
import { answers } from "@dockershim/testing";
import { command, tryCommand } from "../lab/command.ts";
import { ConformanceError } from "./conformance-error.ts";

/** A daemon as a service of this machine's systemd. */
export interface DaemonUnit {
  /** Its name, without what units end in. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Where it answers. */
  readonly socket: string;
  readonly logFile: string;
  /** Gets the number of its process, and nothing else. */
  readonly pidFile: string;
}

const units = "/run/systemd/system";

/** A word of a command line in a unit. */
function unitWord(word: string): string {
  return `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

/**
 * What the machine is told of the daemon: the unit that we install, without its socket unit. A suite that stops the
 * runtime expects that nobody answers any more, and a socket of systemd's would start it again.
 */
export function unitText({ name, program, args, socket, logFile, pidFile }: DaemonUnit): string {
  const command = [program, ...args].map(unitWord).join(" ");
  const names = { unit: name, command, socket, socketMode: "0660", defaults: name };
  const text = serviceUnit(names).replace(`Requires=${name}.socket\n`, "");
  const added = [
    `ExecStartPost=/bin/sh -c "printf %%s $MAINPID >${pidFile}"`,
    `StandardOutput=append:${logFile}`,
    `StandardError=append:${logFile}`,
  ];
  return text.replace("Restart=always", `${added.join("\n")}\n$&`);
}

/** Starts the daemon as a service, and waits until it serves; one that does not is not tried again and again. */
export async function startUnit(unit: DaemonUnit): Promise<void> {
  await stopUnit(unit);
  mkdirSync(units, { recursive: true });
  writeFileSync(join(units, `${unit.name}.service`), unitText(unit));
  await command("systemctl", ["daemon-reload"]);
  const { code } = await tryCommand("systemctl", ["start", unit.name]);
  if (code === 0 && (await answers(unit.socket))) return;
  await stopUnit(unit);
  throw new ConformanceError(`the daemon does not serve as a service; see ${unit.logFile}`);
}

/** Stops the service, if there is one, and forgets it. */
export async function stopUnit({ name }: DaemonUnit): Promise<void> {
  await tryCommand("systemctl", ["stop", name]);
  rmSync(join(units, `${name}.service`), { force: true });
  await command("systemctl", ["daemon-reload"]);
}
