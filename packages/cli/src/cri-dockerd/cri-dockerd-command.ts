import { Command, Option } from "commander";
import { cliVersion } from "../cli-version.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { gatherOptions } from "../serve/daemon-options.js";
import { serveDaemon } from "../serve/serve-daemon.js";
import { addServeOptions } from "../serve/serve-options.js";
import { type CriDockerdFlag, criDockerdFlags, translateValue } from "./cri-dockerd-flags.js";

/** What a cri-dockerd does that was told nothing, where dockershim does something else. */
const criDockerdDefaults = {
  "container-runtime-endpoint": "unix:///var/run/cri-dockerd.sock",
  "cri-dockerd-root-directory": "/var/lib/cri-dockerd",
};

/**
 * `cri-dockerd`, or `dockershim cri-dockerd`: the daemon under the flags of the one that it takes the
 * place of, so that units and scripts written for that one need no change.
 */
export const defineCriDockerd: DefineCommand = (command, { terminal }) => {
  for (const [flag, { isSwitch, ours, note }] of Object.entries(criDockerdFlags)) {
    const value = isSwitch ? "[choice]" : "<value>";
    command.addOption(new Option(`--${flag} ${value}`, helpOf(flag, ours, note)));
  }
  command.option("--version", "print the version in the form of cri-dockerd");
  command.option("--buildinfo", "print the version and what it was built with");
  command.action(async (flags: Record<string, string | boolean>, self: Command) => {
    if (flags.version) return void terminal.stdout.write(`cri-dockerd ${fullVersion}\n`);
    if (flags.buildinfo) return void terminal.stdout.write(buildInformation());
    const given = new Map<string, string>();
    for (const option of self.options) {
      const value = flags[option.attributeName()];
      if (value !== undefined) given.set(option.name(), String(value));
    }
    const { options, warnings } = optionsFromCriDockerd(given);
    await serveDaemon(() => gatherOptions(options, undefined), terminal, warnings);
  });
};

function helpOf(flag: string, ours: string | undefined, note: string): string {
  if (flag === "cri-dockerd-root-directory") return "as `serve` has --root-dir";
  return ours === undefined ? `means nothing here: ${note}` : `as \`serve\` has --${ours}`;
}

/** In the form of cri-dockerd: its version, and in brackets the commit. */
const fullVersion = `${cliVersion} (dockershim)`;

function buildInformation(): string {
  const lines = [
    "Program: cri-dockerd",
    `Version: ${fullVersion}`,
    "GitCommit: dockershim",
    `Node version: ${process.version}`,
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Turns flags of cri-dockerd into those of `serve`.
 *
 * @param given Values by flag, as they were written.
 * @returns The flags as commander gives them, and a warning for each that can mean nothing here.
 */
export function optionsFromCriDockerd(given: ReadonlyMap<string, string>): {
  readonly options: Record<string, unknown>;
  readonly warnings: readonly string[];
} {
  const warnings: string[] = [];
  const args: string[] = [];
  for (const [flag, value] of new Map([...Object.entries(criDockerdDefaults), ...given])) {
    const known = criDockerdFlags[flag];
    if (known === undefined) continue;
    const ours = flag === "cri-dockerd-root-directory" ? "root-dir" : known.ours;
    if (ours === undefined) {
      const isStandard = value === "" || translateValue(flag, value) === known.standard;
      if (!isStandard) warnings.push(warningOf(flag, value, known));
    } else if (flag === "network-plugin" && value !== "cni") {
      // Theirs without a plugin gives pods Docker's own bridge, which no other node can reach.
      warnings.push(`--network-plugin=${value}: pods get their network from CNI here`);
    } else if (value !== "" && !(flag === "cni-cache-dir" && value === known.standard)) {
      // That one may have results of other runtimes' containers, so it is read, and not our own.
      args.push(`--${ours}=${translateValue(flag, value)}`);
    }
  }
  const serve = new Command("serve").exitOverride();
  addServeOptions(serve);
  return { options: serve.parse(args, { from: "user" }).opts(), warnings };
}

function warningOf(flag: string, value: string, { note }: CriDockerdFlag): string {
  return `--${flag}=${value} of cri-dockerd means nothing here: ${note}`;
}
