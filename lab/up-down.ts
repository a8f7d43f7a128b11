import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cniBinDir, type LabConfig } from "./config.ts";
import { installMissing, type Need } from "./debian.ts";
import { downEngine, engineAnswers, engineCgroup, upEngine } from "./engine.ts";
import { removeCgroup } from "./engine-remains.ts";
import { type LabEnv, labEnv } from "./env.ts";
import { claimedSlot, claimHost, releaseHost } from "./host.ts";
import { busyboxImage, importImage, registryImage, serveImage } from "./images.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { lookAlikeImages, lookAlikeNeeds } from "./look-alikes.ts";
import {
  downNetwork,
  hasInterface,
  labNetwork,
  removeSharedPortmapChains,
  upNetwork,
  writeCniConfig,
} from "./network.ts";
import { downRegistry, registryAnswers, upRegistry } from "./registry.ts";
import { readState, updateState } from "./state.ts";

/** What the lab and the daemon under test call, apart from the engine's own programs. */
const needs: readonly Need[] = [
  { file: "docker-registry", package: "docker-registry" },
  { file: join(cniBinDir, "bridge"), package: "containernetworking-plugins" },
  { file: "/bin/busybox", package: "busybox-static" },
  { file: "iptables", package: "iptables" },
  { file: "conntrack", package: "conntrack" },
  { file: "socat", package: "socat" },
  { file: "ip", package: "iproute2" },
  { file: "pgrep", package: "procps" },
  { file: "ipcmk", package: "util-linux" },
  { file: "nsenter", package: "util-linux" },
  { file: "openssl", package: "openssl" },
];

function needRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new LabError(
    "host",
    "the lab runs a Docker engine, bridges and firewall rules: use it as root (sudo)",
  );
}

/** Brings up the lab, or what of it is missing; returns its environment. Runs of the same lab take turns. */
export function up(config: LabConfig): Promise<LabEnv> {
  needRoot();
  return withLock(`lab ${config.stateDir}`, async () => {
    await installMissing([...needs, ...(config.lookAlikes ? lookAlikeNeeds : [])]);
    const slot = await claimHost(config.stateDir);
    updateState(config, { slot });
    const network = labNetwork(slot);
    await upNetwork(network);
    writeCniConfig(config, network);
    const registry = await upRegistry(config, "registry", slot);
    const authRegistry = await upRegistry(config, "authRegistry", slot);
    await upEngine(config, [registry, authRegistry]);
    await importImage(config, busyboxImage);
    await serveImage(config, registryImage(registry));
    if (config.lookAlikes) {
      for (const image of lookAlikeImages(registry)) await serveImage(config, image);
    }
    mkdirSync(config.runDir, { recursive: true });
    updateState(config, { complete: true });
    return labEnv(config);
  });
}

/** Removes a folder and its parents up to the lab's root, as far as they are empty. */
function removeEmpty(folder: string, root: string): void {
  for (let path = folder; path.startsWith(root); path = dirname(path)) {
    if (!existsSync(path)) continue;
    if (readdirSync(path).length > 0) return;
    rmdirSync(path);
  }
}

/** Takes the lab down whatever state it is in, and leaves nothing of it but downloaded packages. */
export function down(config: LabConfig): Promise<void> {
  needRoot();
  return withLock(`lab ${config.stateDir}`, async () => {
    const slot = claimedSlot(config.stateDir) ?? readState(config).slot;
    await downEngine(config);
    await downRegistry(config, "registry");
    await downRegistry(config, "authRegistry");
    removeCgroup(engineCgroup(config));
    if (slot !== undefined) await downNetwork(labNetwork(slot));
    rmSync(config.stateDir, { recursive: true, force: true });
    removeEmpty(dirname(config.stateDir), config.root);
    await releaseHost(config.stateDir, removeSharedPortmapChains);
  });
}

/** Which parts of the lab answer. */
export interface LabStatus {
  readonly engine: boolean;
  readonly registry: boolean;
  readonly bridge: boolean;
  /** Everything above, and the images and CNI config are in place. */
  readonly up: boolean;
}

export async function status(config: LabConfig): Promise<LabStatus> {
  // Only root may ask the engine.
  needRoot();
  const { slot, complete } = readState(config);
  const engine = await engineAnswers(config);
  const registry =
    (await registryAnswers(config, "registry")) && (await registryAnswers(config, "authRegistry"));
  const bridge = slot !== undefined && hasInterface(labNetwork(slot).bridge);
  return { engine, registry, bridge, up: complete === true && engine && registry && bridge };
}
