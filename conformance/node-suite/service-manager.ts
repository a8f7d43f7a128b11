#!/usr/bin/env node
/**
 * Stands in for systemd on a machine where that does not run: the suite starts its kubelet as a service, and specs
 * stop it, change its configuration and start it again. Called as `systemd-run`, `systemctl` or `sudo`, with what the
 * suite gives those; keeps one file for each unit in the folder `SUITE_UNITS`.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endProcess, identify, isAlive, type ProcessId } from "../../lab/process-id.ts";

interface Unit {
  readonly command: readonly string[];
  /** Where its output goes. */
  readonly log: string;
  readonly process?: ProcessId | undefined;
}

const folder = process.env.SUITE_UNITS ?? "";
const fileOf = (name: string): string => join(folder, name.replace(/(\.service)?$/, ".service"));

function read(name: string): Unit {
  return JSON.parse(readFileSync(fileOf(name), "utf8"));
}

function start(name: string, unit: Unit): void {
  const [program = "", ...args] = unit.command;
  const log = openSync(unit.log, "a");
  const child = spawn(program, args, { detached: true, cwd: "/", stdio: ["ignore", log, log] });
  child.unref();
  const id = child.pid === undefined ? undefined : identify(child.pid);
  writeFileSync(fileOf(name), JSON.stringify({ ...unit, process: id }));
}

async function end(name: string): Promise<void> {
  await endProcess(read(name).process, 60_000);
}

/** `systemd-run -p NAME=VALUE --unit=NAME … PROGRAM ARGUMENT…` */
function run(args: readonly string[]): void {
  const own: string[] = [];
  let index = 0;
  for (; args[index]?.startsWith("-"); index++) {
    if (args[index] === "-p") index++;
    own.push(args[index] ?? "");
  }
  if (own.includes("--version")) {
    console.log("systemd 252 (a stand-in for it)");
    return;
  }
  const said = (pattern: RegExp): string =>
    own.map((option) => pattern.exec(option)?.[1]).find((value) => value !== undefined) ?? "";
  // systemd would replace what follows these signs, so that whoever means the sign writes it twice.
  const command = args.slice(index).map((word) => word.replace(/%%/g, "%").replace(/\$\$/g, "$"));
  start(said(/^--unit=(.+)/), { command, log: said(/^StandardError=\w+:(.+)/) });
}

async function control(verb: string, names: readonly string[]): Promise<void> {
  const [name = ""] = names.filter((word) => !word.startsWith("-"));
  switch (verb) {
    case "list-units": {
      const units = readdirSync(folder).filter((unit) => isAlive(read(unit).process));
      for (const unit of units) console.log(`${unit} loaded active running`);
      return;
    }
    case "kill":
      return end(name);
    case "restart":
      await end(name);
      return start(name, read(name));
    case "stop":
      if (!existsSync(fileOf(name))) return;
      await end(name);
      return rmSync(fileOf(name));
    case "reset-failed":
      return;
    default:
      throw new Error(`systemctl ${verb} is not what the suite is known to ask for`);
  }
}

const [as = "", ...args] = process.argv.slice(2);
if (as === "sudo") {
  // All of the suite runs as root already.
  const [program = "", ...rest] = args;
  process.exitCode = spawnSync(program, rest, { stdio: "inherit" }).status ?? 1;
} else if (as === "systemd-run") {
  run(args);
} else {
  await control(args[0] ?? "", args.slice(1));
}
