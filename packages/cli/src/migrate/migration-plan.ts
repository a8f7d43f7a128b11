import { replaceKubeletEndpoint } from "../machine/kubelet-endpoint.js";
import { isSameSocket, socketPath } from "../machine/socket-path.js";
import type { DaemonFacts, Direction, MigrationFacts, UnitFacts } from "./migration-facts.js";
import {
  type FileChange,
  type MigrationAction,
  type MigrationStep,
  reverseChange,
} from "./migration-step.js";

/** Names of daemons in what people read: the one that goes, the one that comes. */
const names = {
  forward: ["cri-dockerd", "dockershim"],
  back: ["dockershim", "cri-dockerd"],
} as const;

/**
 * Plans how a node goes over from cri-dockerd to dockershim, or back.
 *
 * Only what is not as it is to be is changed, so a node that has gone over gets no steps. Each step
 * can be taken back by what it says itself.
 */
export function planMigration(facts: MigrationFacts, direction: Direction): MigrationStep[] {
  const [from, to] = endsOf(facts, direction);
  const [fromName, toName] = names[direction];
  const config = configStep(facts, direction);
  const leave = leaveStep(from, fromName);
  const alias = aliasStep(facts, direction);
  const files = kubeletFileSteps(facts, direction);
  const isUp = to.units.length > 0 && to.units.every(({ active, enabled }) => active && enabled);
  const settled = isUp && [...config, ...leave, ...alias].length === 0;
  if (settled && files.length === 0) return [];
  // One that runs already, since packages start it, is to start anew with what has changed.
  const enter = settled
    ? []
    : [...leave, ...pauseStep(to, toName), ...alias, ...enterStep(to, toName)];
  const { kubelet } = facts;
  const look = {
    title: `see that ${toName} serves and knows all pods`,
    actions: [waitFor(facts, direction)],
    undo: [],
  };
  const steps = [...enter, look, ...files];
  if (kubelet.unit?.active !== true) return [...config, ...steps];
  const served = from.units.some(({ active }) => active);
  const { name } = kubelet.unit;
  return [
    ...config,
    {
      title: "stop the kubelet; pods run on",
      actions: [systemctl("stop", name)],
      // What the kubelet finds when it comes back is to be there before.
      undo: [
        ...(served ? [waitFor(facts, reversed[direction], 60_000)] : []),
        systemctl("start", name),
      ],
    },
    ...steps,
    {
      title: "start the kubelet",
      actions: [systemctl("start", name)],
      undo: [systemctl("stop", name)],
    },
  ];
}

const reversed = { forward: "back", back: "forward" } as const;

/** Waits for the daemon that serves after a migration in this direction. */
function waitFor(facts: MigrationFacts, direction: Direction, leastMs = 0): MigrationAction {
  const { conditions, dockerEndpoint, pids, addresses } = facts;
  const networkReady = conditions.includes("NetworkReady") ? ["NetworkReady"] : [];
  const to = endsOf(facts, direction)[1];
  const asked = direction === "forward" && keepsSocket(facts) ? facts.criDockerd : to;
  return {
    kind: "wait",
    // By the name that the kubelet will ask at.
    endpoint: asked.endpoint,
    dockerEndpoint,
    conditions: ["RuntimeReady", ...networkReady],
    // cri-dockerd takes all pods for its own.
    pods: direction === "forward" ? "unlabelled" : "all",
    ...{ pids, addresses, leastMs },
  };
}

/** What stands against a migration, beside what `migrate --check` finds. */
export function migrationProblems(facts: MigrationFacts, direction: Direction): string[] {
  const { kubelet, report } = facts;
  const [from, to] = endsOf(facts, direction);
  const [fromName, toName] = names[direction];
  const problems: string[] = [...report.problems];
  if (direction === "forward") problems.push(...facts.config.problems);
  if (!to.units.some(({ name }) => name.endsWith(".service"))) {
    problems.push(`systemd knows no service of ${toName}: install it first`);
  }
  for (const { name, masked } of to.units) {
    if (masked) problems.push(`${name} is masked: \`systemctl unmask ${name}\` first`);
  }
  const pid = facts.criDockerdPid;
  if (direction === "forward" && pid !== undefined && !from.units.some(({ active }) => active)) {
    problems.push(`cri-dockerd (pid ${pid}) is no unit of systemd: stop it by hand first`);
  }
  if (kubelet.pid !== undefined && kubelet.unit?.active !== true) {
    problems.push(`the kubelet (pid ${kubelet.pid}) is no unit of systemd: stop it by hand first`);
  }
  const configured = kubelet.files.find(({ form }) => form === "configuration")?.endpoint;
  const told = kubelet.flag ?? (kubelet.pid === undefined ? undefined : configured);
  if (told !== undefined && ![from, to].some(({ endpoint }) => isSameSocket(endpoint, told))) {
    problems.push(
      `the kubelet is told to use ${told}, neither ${fromName}'s socket (${from.endpoint}) nor ` +
        `${toName}'s (${to.endpoint})`,
    );
  }
  return problems;
}

/** Whether the kubelet goes on using cri-dockerd's socket, since no file was found that tells it which. */
export function keepsSocket({
  kubelet,
  criDockerd,
  dockershim,
}: Pick<MigrationFacts, "kubelet" | "criDockerd" | "dockershim">): boolean {
  const [old, ours] = [criDockerd.endpoint, dockershim.endpoint];
  if (isSameSocket(old, ours)) return false;
  const has = (endpoint: string, form?: string): boolean =>
    kubelet.files.some(
      (each) => isSameSocket(each.endpoint, endpoint) && (form ?? each.form) === each.form,
    );
  // Its command line comes before its configuration, and may come from anywhere.
  if (kubelet.flag !== undefined) return isSameSocket(kubelet.flag, old) && !has(old, "flag");
  if (kubelet.pid !== undefined) return !has(old, "configuration") && !has(ours, "configuration");
  return !has(old) && !has(ours);
}

function endsOf(
  { criDockerd, dockershim }: MigrationFacts,
  direction: Direction,
): [DaemonFacts, DaemonFacts] {
  return direction === "forward" ? [criDockerd, dockershim] : [dockershim, criDockerd];
}

function systemctl(...args: string[]): MigrationAction {
  return { kind: "systemctl", args };
}

function fileStep(title: string, change: FileChange, then: MigrationAction[] = []): MigrationStep {
  return { title, actions: [change, ...then], undo: [reverseChange(change), ...then] };
}

/** Flags go into the configuration; on the way back it stays for the next time. */
function configStep({ config, stamp }: MigrationFacts, direction: Direction): MigrationStep[] {
  const { file, text, carried, folderExists } = config;
  if (direction === "back" || carried === (text ?? "")) return [];
  return [
    fileStep("carry cri-dockerd's flags into dockershim's configuration", {
      kind: "file",
      file,
      from: text,
      to: carried,
      backup: text === undefined ? undefined : `${file}.${stamp}`,
      obsolete: undefined,
      ownFolder: !folderExists,
    }),
  ];
}

function leaveStep(from: DaemonFacts, name: string): MigrationStep[] {
  const leaving = from.units.filter(({ active, enabled }) => active || enabled);
  if (leaving.length === 0) return [];
  const actions = [systemctl("disable", "--now", ...leaving.map((unit) => unit.name))];
  return [{ title: `end ${name}; pods run on`, actions, undo: back(leaving) }];
}

function pauseStep(to: DaemonFacts, name: string): MigrationStep[] {
  const active = to.units.filter((unit) => unit.active);
  if (active.length === 0) return [];
  const actions = [systemctl("stop", ...active.map((unit) => unit.name))];
  return [{ title: `end ${name}, which runs already`, actions, undo: back(active) }];
}

/** What makes units what they were. */
function back(units: readonly UnitFacts[]): MigrationAction[] {
  const group = (verb: string, wanted: (unit: UnitFacts) => boolean): MigrationAction[] => {
    const chosen = units.filter(wanted).map(({ name }) => name);
    return chosen.length === 0 ? [] : [systemctl(verb, ...chosen)];
  };
  return [
    ...group("stop", ({ active }) => !active),
    ...group("disable", ({ enabled }) => !enabled),
    ...group("enable", ({ enabled }) => enabled),
    ...group("start", ({ active }) => active),
  ];
}

/** A kubelet whose configuration cannot be changed finds dockershim under the name it knows. */
function aliasStep(facts: MigrationFacts, direction: Direction): MigrationStep[] {
  const { dropIn, dockershim, criDockerd } = facts;
  const { file, text, folderExists } = dropIn;
  const reload = [systemctl("daemon-reload")];
  if (direction === "back") {
    if (text === undefined) return [];
    const change: FileChange = {
      ...{ kind: "file", file, from: text, to: undefined, backup: undefined },
      ...{ obsolete: undefined, ownFolder: true },
    };
    return [fileStep("take cri-dockerd's socket from dockershim", change, reload)];
  }
  const hasSocket = dockershim.units.some(({ name }) => name.endsWith(".socket"));
  const wanted = aliasText(socketPath(criDockerd.endpoint));
  if (!hasSocket || !keepsSocket(facts) || text === wanted) return [];
  const change: FileChange = {
    ...{ kind: "file", file, from: text, to: wanted, backup: undefined },
    ...{ obsolete: undefined, ownFolder: !folderExists },
  };
  return [fileStep("let dockershim answer at cri-dockerd's socket, too", change, reload)];
}

/**
 * A second name of the one socket: of two sockets the daemon would serve the first only.
 * RemoveOnStop=, which the unit has, lets the link take the place of a socket that was left there.
 */
function aliasText(path: string): string {
  return `# The kubelet knows this name. Written by \`dockershim migrate\`.\n[Socket]\nSymlinks=${path}\n`;
}

function enterStep(to: DaemonFacts, name: string): MigrationStep[] {
  // One that ran before has been ended by then, by a step that will start it again.
  const ended = to.units.map((unit) => ({ ...unit, active: false }));
  const actions = [systemctl("enable", "--now", ...ended.map((unit) => unit.name))];
  return [{ title: `start ${name}`, actions, undo: back(ended) }];
}

function kubeletFileSteps(facts: MigrationFacts, direction: Direction): MigrationStep[] {
  const [from, to] = endsOf(facts, direction);
  if (isSameSocket(from.endpoint, to.endpoint)) return [];
  if (direction === "forward" && keepsSocket(facts)) return [];
  return facts.kubelet.files
    .filter(({ endpoint }) => isSameSocket(endpoint, from.endpoint))
    .map(({ file, form, text }) =>
      fileStep("point the kubelet at the other socket", {
        ...{ kind: "file", file, from: text, to: replaceKubeletEndpoint(text, form, to.endpoint) },
        ...{ backup: `${file}.${facts.stamp}`, obsolete: undefined, ownFolder: false },
      }),
    );
}
