import type { PodSandboxConfig } from "@dockershim/cri-types";

/** Whether pods can be given a network, and if not, why. */
export interface NetworkReadiness {
  readonly ready: boolean;
  /** CamelCase word for the CRI condition; empty when ready. */
  readonly reason: string;
  /** For people; empty when ready. */
  readonly message: string;
}

/** A pod's sandbox as its network sees it. */
export interface PodAttachment {
  readonly sandboxId: string;
  /** Host pid of the pause process, whose network namespace is the pod's, once it runs. */
  readonly pid: Promise<number>;
  readonly config: PodSandboxConfig;
}

/** Gives pods addresses and takes them back. */
export interface PodNetwork {
  readiness(): Promise<NetworkReadiness>;
  /**
   * Puts the pod on the network; what it takes beforehand is done while the pause process starts.
   *
   * @returns Its addresses, the primary one first.
   * @throws What the promise of the pid is broken with; then the pod holds nothing of the network.
   */
  setUp(attachment: PodAttachment, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Takes the pod off the network; nothing to do for a pod that is not on it.
   *
   * @param onHeld Called once the pause process is not needed any more: its namespace is held open.
   */
  tearDown(sandboxId: string, pid: number, signal: AbortSignal, onHeld?: () => void): Promise<void>;
  /** Pods on the network as far as this daemon's own records go, those being set up left out. */
  attached(): Promise<readonly string[]>;
  /**
   * Addresses of a pod, undefined when it is not on the network.
   *
   * @param pid Host pid of its pause process, 0 where none is known. One that somebody started again is in another
   * namespace than was put on the network.
   */
  addresses(sandboxId: string, pid: number): readonly string[] | undefined;
  /** Looks at the configuration now, whatever its watcher has seen. */
  refresh(): Promise<void>;
  /** Address range for pods from now on, as CIDR (CRI UpdateRuntimeConfig). */
  setPodCidr(cidr: string): void;
  close(): Promise<void>;
}

/** `--network-plugin=none`: pods have loopback only. */
export function createNoNetwork(): PodNetwork {
  return {
    readiness: async () => ({ ready: true, reason: "", message: "" }),
    setUp: async () => [],
    tearDown: async () => undefined,
    attached: async () => [],
    addresses: () => [],
    refresh: async () => undefined,
    setPodCidr: () => undefined,
    close: async () => undefined,
  };
}
