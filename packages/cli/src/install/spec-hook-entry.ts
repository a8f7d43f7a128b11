import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../cli-error.js";
import { showUnits, type UnitProperties } from "../machine/systemctl.js";
import { readIfThere } from "../migrate/migration-actions.js";
import type { MigrationStep } from "../migrate/migration-step.js";
import { change, type InstallationPlaces, type InstallationPlan } from "./installation.js";

const daemonJson = "/etc/docker/daemon.json";
const docker = "docker.service";
const runtime = "dockershim";
/** The spec hook under the name by which it stands in for runc. */
const wrapper = "dockershim-runc";
const folders = ["/usr/bin", "/usr/local/bin"];

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
  if (Object.values(runtimes).some(isWrapper)) return nothing;
  if (runtimes[runtime] !== undefined) {
    return refused(`${daemonJson} has a runtime ${runtime} that is not the spec hook`);
  }
  const path = await findWrapper(root);
  if (path === undefined) {
    return refused(
      `${wrapper} is in neither of ${folders.join(" and ")}: packages have it; elsewhere put ` +
        `containerd-shim-dockershim-v2 into ${folders[1]}, and a link ${wrapper} to it beside it`,
    );
  }
  const unit = await dockerUnit(places);
  if (unit?.command.some((word) => word.startsWith("--add-runtime"))) {
    return refused(
      `${docker} has --add-runtime in its command line, beside which Docker refuses runtimes in ` +
        `${daemonJson}: add --add-runtime ${runtime}=${path} there`,
    );
  }
  const wanted = { ...config, runtimes: { ...runtimes, [runtime]: { path } } };
  return await rewrite("let Docker know the spec hook", { root, systemctl }, unit, text, wanted);
}

/** Plans how that goes again. A container that was made with it cannot be started any more. */
export async function planSpecHookRemoval(places: InstallationPlaces): Promise<InstallationPlan> {
  const text = await readIfThere(join(places.root, daemonJson));
  const config = parse(text);
  if (typeof config === "string") return refused(config);
  const { runtimes = {}, ...others } = config;
  const { [runtime]: ours, ...rest } = runtimes;
  if (ours === undefined || !isWrapper(ours)) return nothing;
  const left = Object.keys(rest).length > 0 ? { ...others, runtimes: rest } : others;
  // A file with nothing in it is as good as none; Docker's own package has none.
  const wanted = Object.keys(left).length > 0 ? left : undefined;
  const title = "let Docker forget the spec hook";
  return await rewrite(title, places, await dockerUnit(places), text, wanted);
}

const nothing: InstallationPlan = { steps: [], problems: [], left: [] };

function refused(problem: string): InstallationPlan {
  return { ...nothing, problems: [problem] };
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
  return path?.endsWith(`/${wrapper}`) ?? false;
}

async function findWrapper(root: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, wrapper);
    const runs = await access(join(root, path), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
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
): Promise<InstallationPlan> {
  // Indented as it was: whoever looks at the difference is to see the runtime alone.
  const [, indent = "  "] = /^\{\r?\n([ \t]+)"/.exec(from ?? "") ?? [];
  const to = wanted && `${JSON.stringify(wanted, undefined, indent)}\n`;
  const file = await change(root, daemonJson, from, to);
  // One that does not run reads it when it starts.
  const reload =
    unit?.active === true ? [{ kind: "systemctl", args: ["reload", docker] } as const] : [];
  const step: MigrationStep = {
    title,
    actions: [file, ...reload],
    undo: [{ ...file, from: file.to, to: file.from }, ...reload],
  };
  return { ...nothing, steps: [step] };
}
