import type { LinuxContainerResources } from "@dockershim/cri-types";
import type {
  NriAdjustment,
  UpdateContainerBody,
  ValidContainerResources,
} from "@dockershim/pod-sandbox";
import type { ContainerRecord, SandboxRecord } from "../state/records.js";

/** Limits that a container is to get. */
export interface WantedLimits {
  readonly resources: ValidContainerResources;
  /** Those that CRI has no field for. */
  readonly extra: UpdateContainerBody;
}

/**
 * Tells the node's NRI plugins of the life of pods and containers, and asks them what is to be
 * different. An error of a plugin fails the call, but for those that report what cannot be helped:
 * ends, and what has been done already.
 */
export interface Nri {
  /** Whether plugins may connect at all. */
  readonly on: boolean;
  /**
   * Keeps new plugins out, from before a hook until the store shows what it was about. Never while
   * another hold of the same call lasts.
   *
   * @returns What ends it.
   */
  hold(signal: AbortSignal): Promise<() => void>;
  /** A sandbox is on its network, and about to be listed. */
  runSandbox(sandbox: SandboxRecord): Promise<void>;
  /** The containers of a sandbox have ended, and it is about to. Told once of each. */
  stopSandbox(sandbox: SandboxRecord): Promise<void>;
  /** A sandbox is about to go. Told once of each, and before it the stop that was not told of. */
  removeSandbox(sandbox: SandboxRecord): Promise<void>;
  updateSandbox(
    sandbox: SandboxRecord,
    overhead: LinuxContainerResources | undefined,
    resources: LinuxContainerResources | undefined,
  ): Promise<void>;
  sandboxUpdated(sandbox: SandboxRecord): Promise<void>;
  /**
   * Asks what is to be different in a container that was created, and may be created anew.
   *
   * @param planned The container as it is without plugins; its id is left out of account.
   * @returns undefined where nothing is.
   */
  createContainer(id: string, planned: ContainerRecord): Promise<NriAdjustment | undefined>;
  /** A container that plugins were asked about will not be. */
  containerUndone(id: string, planned: ContainerRecord): Promise<void>;
  containerCreated(container: ContainerRecord): Promise<void>;
  /**
   * A container is about to be started.
   *
   * @returns What has to be called when that is over: with the container, if it was started. Its end
   * is told after that.
   */
  startContainer(
    container: ContainerRecord,
  ): Promise<(started: ContainerRecord | undefined) => Promise<void>>;
  /** @returns What the limits are to be instead. */
  updateContainer(
    container: ContainerRecord,
    resources: ValidContainerResources,
  ): Promise<WantedLimits>;
  containerUpdated(container: ContainerRecord): Promise<void>;
  /** Settles when plugins have been told of an end that the store shows. */
  containerEndTold(id: string): Promise<void>;
  /** A container that has ended is about to go. Told once of each. */
  removeContainer(container: ContainerRecord): Promise<void>;
}

const nothing = async (): Promise<undefined> => undefined;

/** No plugins are called. */
export const withoutNri: Nri = {
  on: false,
  hold: async () => () => undefined,
  runSandbox: nothing,
  stopSandbox: nothing,
  removeSandbox: nothing,
  updateSandbox: nothing,
  sandboxUpdated: nothing,
  createContainer: nothing,
  containerUndone: nothing,
  containerCreated: nothing,
  startContainer: async () => nothing,
  updateContainer: async (_container, resources) => ({ resources, extra: {} }),
  containerUpdated: nothing,
  containerEndTold: nothing,
  removeContainer: nothing,
};
