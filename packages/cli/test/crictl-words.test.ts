import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { Command } from "commander";
import { crictlOptions } from "../src/crictl-words.js";
import { describeProgram } from "../src/program.js";
import { runDockershim } from "./run-dockershim.js";

/** What crictl 1.37's own help names; the conformance run holds it to the program. */
const theirs: Record<string, string[]> = JSON.parse(
  readFileSync(join(import.meta.dirname, "fixtures/crictl-1.37-options.json"), "utf8"),
);
const page = readFileSync(join(import.meta.dirname, "../../../docs/crictl.md"), "utf8");

/** Where their commands have another name here. */
const ours: Record<string, string> = {
  imagefsinfo: "df",
  inspecti: "inspect",
  inspectp: "inspect",
  metricdescs: "metrics",
  metricsp: "metrics",
  rmp: "rm",
  runp: "run",
  statsp: "stats",
  stopp: "stop",
};
/** The page says why there is none. */
const leftToCrictl = ["update-runtime-config"];

/** Options that both have, and that mean something else: by our command, and the page says so. */
const differing: Record<string, readonly string[]> = {
  attach: ["-r"],
  exec: ["-r", "--timeout"],
  logs: ["-r"],
  "port-forward": ["-r"],
  pods: ["-n", "-l"],
  ps: ["-l", "-r"],
  run: ["-r"],
  stats: ["-p"],
  stop: ["--timeout"],
};

/** Short names of what has another long name here. */
const renamed: Record<string, readonly string[]> = { exec: ["-i"] };

let program: Command;
beforeAll(async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  program = await describeProgram({ stdout, stderr, env: {}, now: Date.now });
});

const commands = Object.entries(theirs)
  .filter(([name]) => !leftToCrictl.includes(name))
  .map(([name, options]) => ({ name, here: ours[name] ?? name, options }));

/** Of several names that an option of theirs has, those that are none of the same option here. */
function namesToTell(here: string, option: string): { command: Command; others: string[] } {
  const command = here === "" ? program : program.commands.find((each) => each.name() === here);
  if (command === undefined) throw new Error(`there is no command ${here}`);
  const names = option.split(" ");
  const same = command.options.find(({ long }) => long && names.includes(long));
  const isDifferent = differing[here]?.includes(same?.long ?? "");
  return {
    command,
    others: names.filter((name) => isDifferent || (name !== same?.long && name !== same?.short)),
  };
}

test.each(commands)(
  "each option of crictl's $name is here, or told what is",
  ({ here, options }) => {
    const untold = options.flatMap((option) => {
      const { command, others } = namesToTell(here, option);
      return others.filter((name) => {
        const isKnown = command.options.some(({ long, short }) => name === long || name === short);
        if (isKnown) return ![differing, renamed].some((table) => table[here]?.includes(name));
        const told = { ...crictlOptions[""], ...crictlOptions[here] };
        return !Object.keys(told).some((all) => all.split(" ").includes(name));
      });
    });
    expect(untold).toEqual([]);
  },
);

test.each(Object.keys(crictlOptions))("what is told of %s's options is about crictl's", (here) => {
  const known = commands
    .filter((command) => command.here === here)
    .flatMap(({ options }) => options.flatMap((option) => option.split(" ")));
  const names = Object.keys(crictlOptions[here] ?? {}).flatMap((all) => all.split(" "));
  expect(names.filter((name) => !known.includes(name))).toEqual([]);
});

describe("the page", () => {
  test.each(Object.entries(crictlOptions))("has what is told of %s", (here, told) => {
    const missing = Object.entries(told)
      .map(([names, answer]) => {
        const all = names.split(" ").map((name) => `\`${name}\``);
        return `| ${here === "" ? "all" : `\`${here}\``} | ${all.join(", ")} | ${answer.replaceAll("|", "\\|")} |`;
      })
      .filter((row) => !page.includes(row));
    expect(missing).toEqual([]);
  });

  test.each(Object.entries(differing))("says what is different of %s", (here, names) => {
    const missing = names.filter((name) => !page.includes(`| \`${here}\` | \`${name}\` | `));
    expect(missing).toEqual([]);
  });

  test.each(Object.keys(theirs).filter((name) => name !== ""))("has crictl's word %s", (name) => {
    expect(page).toMatch(new RegExp(`\`${name}[ \`]`));
  });
});

test.each([
  [["ps", "--latest"], "unknown option '--latest': crictl's --latest is here: --last 1"],
  [["stop", "-t", "10", "x"], "unknown option '-t': crictl's -t is here: --grace-period 10s"],
  [["--config", "x", "ps"], "crictl's --config is here: CRI_CONFIG_FILE=FILE names crictl's file"],
  [["statsp"], "unknown command 'statsp': crictl's statsp is dockershim stats --pods"],
  [["update-runtime-config"], "the kubelet tells the runtime its pod CIDR; by hand crictl does"],
  [["inspect", "-o", "go-template", "x"], "There is no go-template: -o jsonpath=TEMPLATE"],
])("%j is answered by what is here", async (args, answer) => {
  const { stderr, code } = await runDockershim("unix:///nonexistent", args);
  expect(stderr).toContain(answer);
  expect(code).toBe(2);
});
