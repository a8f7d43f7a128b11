import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Systemctl, showUnits } from "../machine/systemctl.js";
import { readIfThere } from "../migrate/migration-actions.js";
import type { FileChange, MigrationAction, MigrationStep } from "../migrate/migration-step.js";

/** A file that `dockershim install` writes. */
export interface InstalledFile {
  readonly file: string;
  readonly text: string;
  /** The operator's once it is there: it is left as it is, and removed only as it was written. */
  readonly isConfiguration?: boolean;
}

/** What is to be done, and what stands against it. */
export interface InstallationPlan {
  readonly steps: readonly MigrationStep[];
  readonly problems: readonly string[];
  /** What stays, for the operator to know. */
  readonly left: readonly string[];
}

export const nothing: InstallationPlan = { steps: [], problems: [], left: [] };

/** A plan that cannot be. */
export function refused(problem: string): InstallationPlan {
  return { ...nothing, problems: [problem] };
}

/** Where a look goes. */
export interface InstallationPlaces {
  /** The node's files are below it; empty for the node itself. */
  readonly root: string;
  readonly systemctl: Systemctl;
}

const service = "dockershim.service";
const units = ["dockershim.socket", service];

/** Packages of distributions have their units there. */
const packagedUnit = "/usr/lib/systemd/system/dockershim.service";

const mark = "Written by `dockershim install`; `dockershim uninstall` removes it.";

/** Says in a file whose it is, in a comment of its own language. */
export function marked(text: string, comment = "#"): string {
  return `${text.trimEnd()}\n${comment} ${mark}\n`;
}

/** Plans how a node gets files and units: only what is not as it is to be is changed. */
export async function planInstallation(
  files: readonly InstalledFile[],
  { root, systemctl }: InstallationPlaces,
): Promise<InstallationPlan> {
  const problems = await packageProblems(root);
  const changes: FileChange[] = [];
  for (const { file, text, isConfiguration } of files) {
    const now = await readIfThere(join(root, file));
    if (now === text || (now !== undefined && isConfiguration)) continue;
    if (now !== undefined && !now.includes(mark)) {
      problems.push(`${file} is there, and was not written by \`dockershim install\``);
    }
    changes.push(await change(root, file, now, text));
  }
  const known = (await showUnits(systemctl, units)).filter(({ name }) => units.includes(name));
  problems.push(
    ...known
      .filter(({ masked }) => masked)
      .map(({ name }) => `${name} is masked: \`systemctl unmask ${name}\` first`),
  );
  const isUp = known.length === units.length && known.every((each) => each.active && each.enabled);
  const runs = known.some(({ name, active }) => name === service && active);
  const isChanged = changes.some(({ file }) => file.endsWith(`/${service}`));
  const start: readonly MigrationStep[] = [
    ...(isUp ? [] : [startStep(known.filter(({ active }) => active).map(({ name }) => name))]),
    ...(runs && isChanged
      ? [
          {
            title: "restart the daemon; pods run on",
            actions: [systemd("restart", service)],
            undo: [systemd("restart", service)],
          },
        ]
      : []),
  ];
  return { problems, left: [], steps: [...writeStep(changes), ...start] };
}

function startStep(active: readonly string[]): MigrationStep {
  const stopped = units.filter((name) => !active.includes(name));
  return {
    title: "start dockershim, now and at each boot",
    actions: [systemd("enable", "--now", ...units)],
    // One that somebody runs under these names goes on.
    undo: stopped.length === 0 ? [] : [systemd("disable", "--now", ...stopped)],
  };
}

function writeStep(changes: readonly FileChange[]): MigrationStep[] {
  if (changes.length === 0) return [];
  const reversed = changes.toReversed().map((each) => ({ ...each, from: each.to, to: each.from }));
  const reload = systemd("daemon-reload");
  return [{ title: "write files", actions: [...changes, reload], undo: [...reversed, reload] }];
}

/** Plans how all of that goes again. */
export async function planRemoval(
  files: readonly InstalledFile[],
  { root, systemctl }: InstallationPlaces,
): Promise<InstallationPlan> {
  const problems = await packageProblems(root);
  const changes: FileChange[] = [];
  const left: string[] = [];
  for (const { file, text, isConfiguration } of files) {
    const now = await readIfThere(join(root, file));
    if (now === undefined) continue;
    if (isConfiguration ? now === text : now.includes(mark)) {
      changes.push(await change(root, file, now, undefined));
    } else {
      left.push(`${file}: it was changed, or not written by \`dockershim install\``);
    }
  }
  const isOurs = changes.some(({ file }) => file.endsWith(`/${service}`));
  const known = isOurs ? await showUnits(systemctl, units) : [];
  const up = known.filter(({ active, enabled }) => active || enabled);
  const active = up.filter((each) => each.active).map(({ name }) => name);
  const enabled = up.filter((each) => each.enabled).map(({ name }) => name);
  const stop: readonly MigrationStep[] =
    up.length === 0
      ? []
      : [
          {
            title: "end dockershim; pods run on",
            actions: [systemd("disable", "--now", ...up.map(({ name }) => name))],
            undo: [
              ...(enabled.length === 0 ? [] : [systemd("enable", ...enabled)]),
              ...(active.length === 0 ? [] : [systemd("start", ...active)]),
            ],
          },
        ];
  const removal = writeStep(changes).map((step) => ({ ...step, title: "remove files" }));
  return { problems, left, steps: [...stop, ...removal] };
}

async function packageProblems(root: string): Promise<string[]> {
  const isPackaged = await access(join(root, packagedUnit)).then(
    () => true,
    () => false,
  );
  return isPackaged
    ? [
        `the node has the package dockershim (${packagedUnit}): its package manager installs and removes it`,
      ]
    : [];
}

/** A change of a file below the root. */
export async function change(
  root: string,
  file: string,
  from: string | undefined,
  to: string | undefined,
): Promise<FileChange> {
  const hasFolder = await access(join(root, dirname(file))).then(
    () => true,
    () => false,
  );
  // A folder that nothing is left in goes with the last file, where it is ours.
  const ownFolder = !hasFolder || dirname(file).endsWith("/dockershim");
  return { kind: "file", file, from, to, backup: undefined, obsolete: undefined, ownFolder };
}

function systemd(...args: string[]): MigrationAction {
  return { kind: "systemctl", args };
}
