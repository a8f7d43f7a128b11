import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { specHookWrapper } from "@dockershim/spec-hook/program";
import { messageOf } from "../cli-error.js";
import { showUnits, type UnitProperties } from "../machine/systemctl.js";
import { readIfThere } from "../migrate/migration-actions.js";
import { type MigrationStep, reverseChange } from "../migrate/migration-step.js";
import {
  change,
  type InstallationPlaces,
  type InstallationPlan,
  nothing,
  refused,
} from "./installation.js";
import { planSpecHookPrograms, planSpecHookProgramsRemoval } from "./spec-hook-programs.js";

const daemonJson = "/etc/docker/daemon.json";
const docker = "docker.service";
const runtime = "dockershim";
/** Where packages put the spec hook, and where it is put without one. */
const folders = ["/usr/bin", "/usr/local/bin"] as const;

interface DaemonConfig {
  readonly runtimes?: Readonly<Record<string, { readonly path?: string }>>;
}

/** Plans how Docker gets to know the spec hook as a runtime: for nodes where containerd cannot find it by itself. */
export async function planSpecHookEntry(places: InstallationPlaces): Promise<InstallationPlan> {
  const { root, systemctl } = places;
  const text = await readIfThere(join(root, daemonJson));
  const config = parse(text);
  if (typeof config === "string") return refused(config);
  const { runtimes = {} } = config;
  const isPackaged = await isExecutable(join(root, folders[0], specHookWrapper));
  const programs = isPackaged ? nothing : await planSpecHookPrograms(folders[1], root);
  if (programs.problems.length > 0 || Object.values(runtimes).some(isWrapper)) return programs;
  if (runtimes[runtime] !== undefined) {
    return refused(`${daemonJson} has a runtime ${runtime} that is not the spec hook`);
  }
  const path = join(folders[isPackaged ? 0 : 1], specHookWrapper);
  const unit = await dockerUnit(places);
  if (unit?.command.some((word) => word.startsWith("--add-runtime"))) {
    return refused(
      `${docker} has --add-runtime in its command line, beside which Docker refuses runtimes in ` +
        `${daemonJson}: add --add-runtime ${runtime}=${path} there`,
    );
  }
  const wanted = { ...config, runtimes: { ...runtimes, [runtime]: { path } } };
  const title = "let Docker know the spec hook";
  const entry = await rewrite(title, { root, systemctl }, unit, text, wanted);
  return { ...nothing, steps: [...programs.steps, entry] };
}

/**
 * Plans how that goes again, and the program where no package has put it. A container that was made with it cannot be
 * started any more.
 */
export async function planSpecHookRemoval(places: InstallationPlaces): Promise<InstallationPlan> {
  const text = await readIfThere(join(places.root, daemonJson));
  const config = parse(text);
  if (typeof config === "string") return refused(config);
  const { runtimes = {}, ...others } = config;
  const { [runtime]: ours, ...rest } = runtimes;
  const programs = await planSpecHookProgramsRemoval(folders[1], places.root);
  if (ours === undefined || !isWrapper(ours)) return programs;
  const left = Object.keys(rest).length > 0 ? { ...others, runtimes: rest } : others;
  // A file with nothing in it is as good as none; Docker's own package has none.
  const wanted = Object.keys(left).length > 0 ? left : undefined;
  const title = "let Docker forget the spec hook";
  const entry = await rewrite(title, places, await dockerUnit(places), text, wanted);
  return { ...nothing, steps: [entry, ...programs.steps] };
}

/** @returns What is wrong with it, for one that cannot be read. */
function parse(text: string | undefined): DaemonConfig | string {
  if (text === undefined || text.trim() === "") return {};
  try {
    const config: unknown = JSON.parse(text);
    if (typeof config === "object" && config !== null && !Array.isArray(config)) return config;
    return `${daemonJson} is no JSON object`;
  } catch (err) {
    return `${daemonJson} is no JSON: ${messageOf(err)}`;
  }
}

function isWrapper({ path }: { readonly path?: string }): boolean {
  return path?.endsWith(`/${specHookWrapper}`) ?? false;
}

async function isExecutable(file: string): Promise<boolean> {
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function dockerUnit({ systemctl }: InstallationPlaces): Promise<UnitProperties | undefined> {
  return (await showUnits(systemctl, [docker])).find(({ name }) => name === docker);
}

async function rewrite(
  title: string,
  { root }: InstallationPlaces,
  unit: UnitProperties | undefined,
  from: string | undefined,
  wanted: object | undefined,
): Promise<MigrationStep> {
  // Indented as it was: whoever looks at the difference is to see the runtime alone.
  const [, indent = "  "] = /^\{\r?\n([ \t]+)"/.exec(from ?? "") ?? [];
  const to = wanted && `${JSON.stringify(wanted, undefined, indent)}\n`;
  const file = await change(root, daemonJson, from, to);
  // One that does not run reads it when it starts.
  const reload =
    unit?.active === true ? [{ kind: "systemctl", args: ["reload", docker] } as const] : [];
  return {
    title,
    actions: [file, ...reload],
    undo: [reverseChange(file), ...reload],
  };
}
