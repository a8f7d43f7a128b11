import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { LabConfig } from "./config.ts";
import { chooseStore, downEngine, engineAnswers, engineCgroup, upEngine } from "./engine.ts";
import { removeCgroup } from "./engine-remains.ts";
import { type LabEnv, labEnv } from "./env.ts";
import { fetchLab } from "./fetch.ts";
import { claimedSlot, claimHost, releaseHost } from "./host.ts";
import { busyboxImage, importImage, registryImage, serveImage } from "./images.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { lookAlikeImages } from "./look-alikes.ts";
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

function needRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new LabError(
    "host",
    "the lab runs a Docker engine, bridges and firewall rules: use it as root (sudo)",
  );
}

/**
 * Brings up the lab, or what of it is missing; returns its environment. Runs of the same lab take turns. All
 * that comes from outside is fetched before anything is started. A run that fails, or that `signal` ends,
 * takes the lab down and leaves nothing of it.
 */
export function up(config: LabConfig, signal?: AbortSignal): Promise<LabEnv> {
  needRoot();
  return withLock(`lab ${config.stateDir}`, async () => {
    // Not a reason to take down a lab that is up.
    chooseStore(config);
    await fetchLab(config, signal);
    try {
      return await start(config, signal);
    } catch (error) {
      await takeDown(config).catch((reason: Error) => {
        console.error(`lab: could not be taken down after it failed: ${reason.message}`);
      });
      throw error;
    }
  });
}

async function start(config: LabConfig, signal?: AbortSignal): Promise<LabEnv> {
  const slot = await claimHost(config.stateDir);
  updateState(config, { slot });
  const network = labNetwork(slot);
  await upNetwork(network);
  writeCniConfig(config, network);
  const registry = await upRegistry(config, "registry", slot);
  signal?.throwIfAborted();
  const authRegistry = await upRegistry(config, "authRegistry", slot);
  signal?.throwIfAborted();
  await upEngine(config, [registry, authRegistry]);
  signal?.throwIfAborted();
  await importImage(config, busyboxImage);
  signal?.throwIfAborted();
  await serveImage(config, registryImage(registry));
  for (const image of config.lookAlikes ? lookAlikeImages(registry) : []) {
    signal?.throwIfAborted();
    await serveImage(config, image);
  }
  mkdirSync(config.runDir, { recursive: true });
  updateState(config, { complete: true });
  return labEnv(config);
}

/** Removes a folder and its parents up to the lab's root, as far as they are empty. */
function removeEmpty(folder: string, root: string): void {
  for (let path = folder; path.startsWith(root); path = dirname(path)) {
    if (!existsSync(path)) continue;
    if (readdirSync(path).length > 0) return;
    rmdirSync(path);
  }
}

/** Takes the lab down whatever state it is in, and leaves nothing of it but what was fetched. */
export function down(config: LabConfig): Promise<void> {
  needRoot();
  return withLock(`lab ${config.stateDir}`, () => takeDown(config));
}

async function takeDown(config: LabConfig): Promise<void> {
  const slot = claimedSlot(config.stateDir) ?? readState(config).slot;
  await downEngine(config);
  await downRegistry(config, "registry");
  await downRegistry(config, "authRegistry");
  await removeCgroup(engineCgroup(config));
  if (slot !== undefined) await downNetwork(labNetwork(slot));
  rmSync(config.stateDir, { recursive: true, force: true });
  removeEmpty(dirname(config.stateDir), config.root);
  await releaseHost(config.stateDir, removeSharedPortmapChains);
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
