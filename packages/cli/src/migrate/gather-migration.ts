import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { createDockerClient } from "@dockershim/docker-client";
import { defaultShimOptions, type ShimOptions } from "@dockershim/shim-server/options";
import { parse } from "yaml";
import { optionsFromCriDockerd } from "../cri-dockerd/cri-dockerd-command.js";
import { kubeletEndpointFiles, readKubeletEndpoint } from "../machine/kubelet-endpoint.js";
import { findProcess, type RunningProcess, readProcess } from "../machine/node-processes.js";
import { isSameSocket } from "../machine/socket-path.js";
import { type Systemctl, showUnits, type UnitProperties } from "../machine/systemctl.js";
import { readAddresses } from "../objects/pod-addresses.js";
import { defaultConfigFile, optionsFromFile } from "../serve/config-file.js";
import { optionsFromFlags } from "../serve/serve-options.js";
import { carryOptions } from "./carry-options.js";
import { inspectPods } from "./inspect-pods.js";
import { answers, gatherMigrateFacts, type MigratePlaces } from "./migrate-facts.js";
import { readFlags } from "./migrate-flags.js";
import { judgeMigration } from "./migrate-report.js";
import { readIfThere } from "./migration-actions.js";
import type {
  Direction,
  EndpointFile,
  FileFacts,
  KubeletFacts,
  MigrationFacts,
} from "./migration-facts.js";
import type { MigrationRecord } from "./migration-journal.js";
import { keepsSocket } from "./migration-plan.js";

const dropInFile = "/etc/systemd/system/dockershim.socket.d/cri-dockerd.conf";

/** Where kubeadm has cri-dockerd, and where cri-dockerd listens unless it is told otherwise. */
const usualEndpoint = "unix:///var/run/cri-dockerd.sock";

/** Names that packages, kubespray and minikube give the service. */
const usualUnits = ["cri-docker.service", "cri-dockerd.service"];

/** Where a migration looks, and by what. */
export interface MigrationPlaces extends Omit<MigratePlaces, "dockerEndpoint"> {
  /** undefined for the one that the daemons are told. */
  readonly dockerEndpoint: string | undefined;
  /** The node's files are below it; empty for the node itself. */
  readonly root: string;
  readonly systemctl: Systemctl;
  /** What earlier migrations wrote down. */
  readonly record: MigrationRecord;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Looks at all that a migration goes by. Nothing is changed. */
export async function gatherMigration(
  places: MigrationPlaces,
  direction: Direction,
): Promise<MigrationFacts> {
  const { root, systemctl, record } = places;
  const old = await findCriDockerd(places);
  const kubelet = await findKubelet(places);
  const flags = new Map(readFlags(old.args).map(({ flag, value }) => [flag, value]));
  const criDockerd = {
    units: old.units,
    endpoint: endpointOf(flags.get("container-runtime-endpoint"), old, kubelet, record),
  };
  const configText = await readFacts(root, defaultConfigFile);
  const given = optionsFromFlags(optionsFromCriDockerd(flags).options);
  // The socket is the unit's, the state dockershim's own, and so is the pause image unless it is chosen.
  const { listen, rootDir, podInfraContainerImage, ...options } = given;
  const ours = await showUnits(systemctl, ["dockershim.socket", "dockershim.service"]);
  const [socket] = ours.flatMap((unit) => unit.listen);
  const dockershim = {
    units: ours,
    endpoint: socket === undefined ? places.listen : `unix://${socket}`,
  };
  // Without a socket unit, the daemon itself is told to listen where the kubelet looks.
  const stays = keepsSocket({ kubelet, criDockerd, dockershim });
  const listens = stays && socket === undefined && ours.length > 0;
  // Once it has gone, the configuration is the operator's alone.
  const isLeaving =
    old.process !== undefined || old.units.some(({ active, enabled }) => active || enabled);
  const wanted = {
    ...(isLeaving && options),
    ...(listens && { listen: criDockerd.endpoint }),
  };
  const carried = carryOptions(configText.text ?? "", wanted, defaultConfigFile, "cri-dockerd");
  const ourOptions = { ...defaultShimOptions, ...readOptions(carried.text) };
  const dockerEndpoint =
    places.dockerEndpoint ??
    (isLeaving ? flags.get("docker-endpoint") : undefined) ??
    ourOptions.dockerEndpoint;
  const serving = direction === "forward" ? criDockerd.endpoint : dockershim.endpoint;
  const criDockerdRoot = below(
    root,
    flags.get("cri-dockerd-root-directory") ?? places.criDockerdRoot,
  );
  const ownCache = flags.get("cni-cache-dir");
  const cniCacheDirs = [
    ...new Set([...(ownCache === undefined ? [] : [ownCache]), ...places.cniCacheDirs]),
  ].map((dir) => below(root, dir));
  const found = await gatherMigrateFacts(
    {
      ...{ ...places, dockerEndpoint, criDockerdRoot, cniCacheDirs },
      kubeletConfig: below(root, places.kubeletConfig),
    },
    old.process,
  );
  const isOurs = ours.some(({ active }) => active) || listens;
  return {
    report: judgeMigration({
      ...found,
      // That it runs is no reason to warn of: it is ended in time.
      criDockerdPid: undefined,
      // Whoever of the two serves there is ended in time.
      socketInUse: isOurs || direction === "back" ? undefined : found.socketInUse,
    }),
    criDockerd,
    criDockerdPid: old.process?.pid,
    dockershim: listens ? { ...dockershim, endpoint: criDockerd.endpoint } : dockershim,
    kubelet,
    config: { ...configText, carried: carried.text, problems: carried.problems },
    dropIn: await readFacts(root, dropInFile),
    dockerEndpoint,
    cleanUp: {
      ...{ dockerEndpoint, criDockerdRoot, cniCacheDirs, cniBinDirs: ourOptions.cniBinDirs },
      addressDir: join(root, "/var/lib/cni/networks"),
    },
    ...(await askRuntime(serving)),
    pids: await readPids(dockerEndpoint),
    stamp: new Date(places.now).toISOString().replace(/[-:]|\.\d+/g, ""),
  };
}

/** What dockershim's configuration says. */
function readOptions(text: string): Partial<ShimOptions> {
  try {
    return optionsFromFile(parse(text), defaultConfigFile).options;
  } catch {
    // What is wrong with the file is told as a problem.
    return {};
  }
}

/** A daemon's flags may name what is below the root as the daemon sees it. */
function below(root: string, path: string): string {
  return root !== "" && path.startsWith(`${root}/`) ? path : join(root, path);
}

interface FoundDaemon {
  readonly units: readonly UnitProperties[];
  readonly process: RunningProcess | undefined;
  /** Its command line without the program: the process's, else the unit's. */
  readonly args: readonly string[];
}

/** The process tells its unit; where none runs, the usual names are looked for. */
async function findCriDockerd(places: MigrationPlaces): Promise<FoundDaemon> {
  const { systemctl, procDir, record } = places;
  const known = record.takenFrom === undefined ? [] : [record.takenFrom.unit];
  const services = await showUnits(systemctl, [...new Set([...known, ...usualUnits])]);
  const main = services.find(({ mainPid }) => mainPid > 0)?.mainPid;
  const process =
    (main === undefined ? undefined : await readProcess(procDir, main)) ??
    (await findProcess(procDir, "cri-dockerd"));
  let service = services.find(({ mainPid }) => mainPid > 0 && mainPid === process?.pid);
  if (service === undefined && process?.unit !== undefined) {
    [service] = await showUnits(systemctl, [process.unit]);
  }
  service ??= services[0];
  if (service === undefined) return { units: [], process, args: process?.args ?? [] };
  const sockets = service.triggeredBy.filter((name) => name.endsWith(".socket"));
  const units = [...(await showUnits(systemctl, sockets)), service];
  return { units, process, args: process?.args ?? service.command.slice(1) };
}

/** As the kubelet has it where that means the same: nothing is to be written in other words than before. */
function endpointOf(
  flag: string | undefined,
  { units }: FoundDaemon,
  kubelet: KubeletFacts,
  record: MigrationRecord,
): string {
  const [socket] = units.flatMap(({ listen }) => listen);
  const told =
    (flag === undefined || flag.startsWith("fd://") ? undefined : flag) ??
    record.takenFrom?.endpoint ??
    (socket === undefined ? usualEndpoint : `unix://${socket}`);
  const spellings = [...kubelet.files.map(({ endpoint }) => endpoint), usualEndpoint];
  return spellings.find((each) => isSameSocket(each, told)) ?? told;
}

async function findKubelet({
  root,
  systemctl,
  procDir,
  kubeletConfig,
}: MigrationPlaces): Promise<KubeletFacts> {
  const [usual] = await showUnits(systemctl, ["kubelet.service"]);
  const process =
    (usual !== undefined && usual.mainPid > 0
      ? await readProcess(procDir, usual.mainPid)
      : undefined) ?? (await findProcess(procDir, "kubelet"));
  let unit = usual;
  if (process?.unit !== undefined && process.unit !== usual?.name) {
    [unit = usual] = await showUnits(systemctl, [process.unit]);
  }
  const flags = new Map(readFlags(process?.args ?? []).map(({ flag, value }) => [flag, value]));
  const files: EndpointFile[] = [];
  const configuration = { file: kubeletConfig, form: "configuration" } as const;
  for (const { file, form } of [configuration, ...kubeletEndpointFiles]) {
    const text = await readIfThere(join(root, file));
    const endpoint = text === undefined ? undefined : readKubeletEndpoint(text, form);
    if (text !== undefined && endpoint !== undefined) files.push({ file, form, text, endpoint });
  }
  return { unit, pid: process?.pid, flag: flags.get("container-runtime-endpoint"), files };
}

async function readFacts(root: string, file: string): Promise<FileFacts> {
  const text = await readIfThere(join(root, file));
  const folder = await stat(join(root, dirname(file))).catch(() => undefined);
  return { file, text, folderExists: folder?.isDirectory() === true };
}

/** What the runtime that serves says, which the other is to say too; nothing where nobody answers. */
async function askRuntime(
  endpoint: string,
): Promise<Pick<MigrationFacts, "conditions" | "addresses">> {
  const client = createCriClient({ endpoint });
  try {
    if (!(await answers(endpoint))) return { conditions: [], addresses: {} };
    const { status } = await client.runtime.status({});
    const held = (status?.conditions ?? []).filter((each) => each.status);
    return {
      conditions: held.map(({ type }) => type),
      addresses: await readAddresses(client.runtime),
    };
  } catch {
    return { conditions: [], addresses: {} };
  } finally {
    client.close();
  }
}

async function readPids(endpoint: string): Promise<Record<string, number>> {
  const docker = createDockerClient({ endpoint });
  try {
    const running = (await inspectPods(docker)).filter(({ State }) => State.Running);
    return Object.fromEntries(running.map(({ Id, State }) => [Id, State.Pid]));
  } catch {
    // Without an engine there is no migration; the report says so.
    return {};
  } finally {
    await docker.close();
  }
}
