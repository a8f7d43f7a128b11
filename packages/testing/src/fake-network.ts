import { type Departure, type Steps, stays } from "./steps.ts";

/**
 * A pod network in memory, which stands for the port of shim-server (`network/pod-network.ts`).
 * Its work counts as the steps `network ADD`, `network hold` (of the namespace of a process that
 * may end any moment; no harm is done if that fails) and `network DEL`.
 */
export interface FakeNetwork {
  /** Pods that hold something of the network, finished or not. */
  readonly held: ReadonlySet<string>;
  readiness(): Promise<{ ready: boolean; reason: string; message: string }>;
  setUp(
    pod: { readonly sandboxId: string; readonly pid: Promise<number> },
    signal: AbortSignal,
  ): Promise<readonly string[]>;
  tearDown(sandboxId: string, pid: number, signal: AbortSignal, onHeld?: () => void): Promise<void>;
  attached(): Promise<readonly string[]>;
  addresses(sandboxId: string): readonly string[] | undefined;
  refresh(): Promise<void>;
  setPodCidr(cidr: string): void;
  close(): Promise<void>;
}

/** A network whose every pod gets an address of 10.0.0.0/8 of its own. */
export function createFakeNetwork(steps: Steps): FakeNetwork {
  const held = new Set<string>();
  const addresses = new Map<string, readonly string[]>();
  let given = 0;

  /** As a plugin's run: an abort kills it, whatever it has done by then. */
  async function run<T>(name: string, signal: AbortSignal, act: () => T): Promise<T> {
    signal.throwIfAborted();
    const result = await steps.take(name, departureOf(signal), act);
    signal.throwIfAborted();
    if (result.kind !== "done") throw new Error(`${name}: the plugin failed`);
    return result.value;
  }

  return {
    held,
    readiness: async () => ({ ready: true, reason: "", message: "" }),
    async setUp({ sandboxId, pid }, signal) {
      await pid;
      await run("network ADD", signal, () => held.add(sandboxId));
      const ips = [`10.0.0.${++given}`];
      addresses.set(sandboxId, ips);
      return ips;
    },
    async tearDown(sandboxId, pid, signal, onHeld) {
      if (pid > 0) await steps.take("network hold", departureOf(signal), () => undefined);
      onHeld?.();
      await run("network DEL", signal, () => held.delete(sandboxId));
      addresses.delete(sandboxId);
    },
    attached: async () => [...held],
    addresses: (sandboxId) => addresses.get(sandboxId),
    refresh: async () => undefined,
    setPodCidr: () => undefined,
    close: async () => undefined,
  };
}

function departureOf(signal: AbortSignal): Departure {
  if (signal.aborted) return { ...stays, now: () => true };
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return { now: () => signal.aborted, ever: promise };
}
