import { hostname } from "node:os";
import { join } from "node:path";
import { CliError, exitCodes, messageOf } from "../cli-error.js";
import { isSameSocket } from "../machine/socket-path.js";
import { createSystemctl } from "../machine/systemctl.js";
import { type OutputFormat, printObject } from "../output/output-format.js";
import type { Terminal } from "../output/terminal.js";
import type { CommandContext } from "../runtime/command-context.js";
import { readLeftovers, removeLeftover } from "./clean-up.js";
import { gatherMigration, type MigrationPlaces } from "./gather-migration.js";
import { describeLeftover, type Leftover } from "./leftovers.js";
import { createPerformer } from "./migration-actions.js";
import type { Direction, MigrationFacts } from "./migration-facts.js";
import { type BegunMigration, createJournal, rememberOrigin } from "./migration-journal.js";
import { keepsSocket, migrationProblems, planMigration } from "./migration-plan.js";
import { type MigrationTools, runMigration, undoMigration } from "./migration-run.js";
import { describeAction, type MigrationStep } from "./migration-step.js";

/** What `dockershim migrate` was told. */
export interface MigrateNodeOptions extends Omit<MigrationPlaces, "systemctl" | "record" | "now"> {
  readonly back: boolean;
  /** Do it, instead of showing it. */
  readonly yes: boolean;
  /** Remove what cri-dockerd left of pods that are gone. */
  readonly cleanUp: boolean;
  readonly output: OutputFormat;
  /** How long a daemon may take to be ready, in ms. */
  readonly readyMs: number;
}

/**
 * Shows how the node goes over to dockershim, or back, and does it when it is told to.
 *
 * @param signal Has what was done taken back.
 */
export async function migrateNode(
  options: MigrateNodeOptions,
  { terminal, setExitCode }: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  const { root, yes, output, readyMs, cleanUp } = options;
  const direction: Direction = options.back ? "back" : "forward";
  const systemctl = createSystemctl(terminal.env.PATH);
  const journal = createJournal(join(root, "/var/lib/dockershim/migration.json"));
  const tools: MigrationTools = {
    journal,
    perform: createPerformer({ root, systemctl, readyMs }),
    tell: (line) => terminal.stdout.write(`${line}\n`),
  };
  const record = await journal.read();
  if (record.running !== undefined) {
    await refuseWhileRunning(record.running);
    await dealWithBegun(record.running, { direction, yes, tools, terminal, setExitCode, signal });
    return;
  }
  const facts = await gatherMigration(
    { ...options, systemctl, record, now: terminal.now() },
    direction,
  );
  const problems = migrationProblems(facts, direction);
  const steps = problems.length === 0 ? planMigration(facts, direction) : [];
  const leftovers =
    problems.length > 0 || options.back ? [] : await readLeftovers(facts.cleanUp, facts.report);
  if (output === "table") {
    tell(terminal, describePlan(facts, direction, problems, steps));
    tell(terminal, describeLeftovers(leftovers, cleanUp));
  } else {
    const { warnings } = facts.report;
    await printObject({ problems, warnings, steps, leftovers }, output, terminal);
  }
  const isRefused = problems.length > 0;
  const isWork = isRefused || steps.length > 0 || (cleanUp && leftovers.length > 0);
  if (isRefused || !yes) {
    const flags = [
      ...(options.back ? ["--back"] : []),
      ...(cleanUp ? ["--clean-up"] : []),
      "--yes",
    ];
    const command = `dockershim migrate ${flags.join(" ")}`;
    const how = isRefused ? "" : ` \`${command}\` does it.`;
    if (output === "table" && isWork) tell(terminal, ["", `Nothing was changed.${how}`]);
    if (isRefused) setExitCode(exitCodes.failure);
    return;
  }
  if (steps.length > 0) {
    tell(terminal, [""]);
    const finished = direction === "forward" ? rememberOrigin(facts.criDockerd) : {};
    const done = await runMigration({ direction, steps, begun: 0, finished }, tools, signal);
    if (!done) return setExitCode(exitCodes.failure);
    tell(terminal, ["", ...afterwards(facts, direction)]);
  }
  if (!cleanUp || options.back) return;
  // Pods may have come and gone meanwhile.
  const failed = await removeAll(
    await readLeftovers(facts.cleanUp, facts.report),
    facts,
    tools,
    signal,
  );
  if (failed) setExitCode(exitCodes.failure);
}

function describeLeftovers(leftovers: readonly Leftover[], cleanUp: boolean): string[] {
  if (leftovers.length === 0) return [];
  return [
    "",
    cleanUp
      ? "Left of pods that are gone, to be removed:"
      : "Left of pods that are gone; `--clean-up` removes it:",
    ...leftovers.map((each) => `  - ${describeLeftover(each)}`),
  ];
}

/** @returns Whether something could not be removed; the rest is removed all the same. */
async function removeAll(
  leftovers: readonly Leftover[],
  { cleanUp }: MigrationFacts,
  { tell: say }: MigrationTools,
  signal: AbortSignal,
): Promise<boolean> {
  let failed = false;
  for (const leftover of leftovers) {
    signal.throwIfAborted();
    say(`Removing ${describeLeftover(leftover)}`);
    try {
      await removeLeftover(leftover, cleanUp);
    } catch (err) {
      say(`      this failed: ${messageOf(err)}`);
      failed = true;
    }
  }
  return failed;
}

function tell(terminal: Terminal, lines: readonly string[]): void {
  for (const line of lines) terminal.stdout.write(`${line}\n`);
}

async function refuseWhileRunning({ pid }: BegunMigration): Promise<void> {
  const { readProcess } = await import("../machine/node-processes.js");
  const process = await readProcess("/proc", pid);
  if (process?.args.includes("migrate")) {
    throw new CliError("failure", `a migration is under way (pid ${pid})`);
  }
}

/** One that was cut short is gone on with by the same command, and taken back by the opposite one. */
async function dealWithBegun(
  { direction: begunDirection, steps, begun }: BegunMigration,
  parts: {
    readonly direction: Direction;
    readonly yes: boolean;
    readonly tools: MigrationTools;
    readonly terminal: Terminal;
    readonly setExitCode: (code: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { direction, yes, tools, terminal, setExitCode, signal } = parts;
  const goesOn = direction === begunDirection;
  const [same, opposite] = begunDirection === "forward" ? ["", " --back"] : [" --back", ""];
  const rest = goesOn ? steps.slice(begun - 1) : steps.slice(0, begun).toReversed();
  tell(terminal, [
    `An earlier migration was cut short at step ${begun} of ${steps.length}.`,
    `\`dockershim migrate${same} --yes\` goes on, \`dockershim migrate${opposite} --yes\` takes it back.`,
    "",
    goesOn ? "What is left to do:" : "What is to be taken back:",
    ...describeSteps(
      goesOn ? rest : rest.map((step) => ({ ...step, actions: step.undo })),
      goesOn ? begun : undefined,
    ),
    "",
  ]);
  if (!yes) return tell(terminal, ["Nothing was changed."]);
  const { takenFrom } = await tools.journal.read();
  const finished = begunDirection === "back" || takenFrom === undefined ? {} : { takenFrom };
  const done = goesOn
    ? await runMigration({ direction, steps, begun, finished }, tools, signal)
    : await undoMigration(steps, begun, tools);
  if (!done) setExitCode(exitCodes.failure);
}

/** The plan for people. */
export function describePlan(
  facts: MigrationFacts,
  direction: Direction,
  problems: readonly string[],
  steps: readonly MigrationStep[],
): string[] {
  const { report } = facts;
  const containers = Object.keys(facts.pids).length;
  const lines = [
    direction === "forward"
      ? `From cri-dockerd to dockershim: ${report.pods.length} pods to take over`
      : "From dockershim back to cri-dockerd",
    `${containers} containers run, pause containers too, and will run on`,
  ];
  const list = (title: string, entries: readonly string[]): void => {
    if (entries.length > 0) lines.push("", `${title}:`, ...entries.map((entry) => `  - ${entry}`));
  };
  list("Warnings", direction === "forward" ? report.warnings : []);
  list("Problems", problems);
  if (problems.length > 0) return lines;
  if (steps.length === 0) {
    const name = direction === "forward" ? "dockershim" : "cri-dockerd";
    return [...lines, "", `Nothing is left to do: the node is on ${name}.`];
  }
  return [...lines, "", "Steps:", ...describeSteps(steps, 1)];
}

function describeSteps(steps: readonly MigrationStep[], first: number | undefined): string[] {
  return steps.flatMap(({ title, actions }, index) => [
    first === undefined ? `  - ${title}` : `${String(index + first).padStart(3)}. ${title}`,
    ...actions.flatMap(describeAction).map((line) => `       ${line}`),
  ]);
}

function afterwards(facts: MigrationFacts, direction: Direction): string[] {
  const { criDockerd, dockershim } = facts;
  const now = direction === "forward" ? dockershim : criDockerd;
  const name = direction === "forward" ? "dockershim" : "cri-dockerd";
  const lines = [`Done: ${name} serves on ${now.endpoint}, and the same processes run.`];
  const moved = !isSameSocket(criDockerd.endpoint, dockershim.endpoint) && !keepsSocket(facts);
  if (moved) {
    lines.push(
      "On a node of kubeadm, tell it the new socket, too:",
      `  kubectl annotate node ${hostname().toLowerCase()} --overwrite ` +
        `kubeadm.alpha.kubernetes.io/cri-socket=${now.endpoint}`,
    );
  }
  if (direction === "forward") lines.push("`dockershim migrate --back` shows the way back.");
  return lines;
}
