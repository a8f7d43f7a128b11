import type { PodNetwork } from "./pod-network.js";

/** Told that a network is set up (ADD) or taken down (DEL); the function it returns, of the end. */
export type NetworkObserver = (command: "ADD" | "DEL") => (error?: unknown) => void;

/** A pod network whose work is reported. */
export function observeNetwork(network: PodNetwork, observe: NetworkObserver): PodNetwork {
  async function reported<T>(command: "ADD" | "DEL", work: () => Promise<T>): Promise<T> {
    const end = observe(command);
    try {
      const result = await work();
      end();
      return result;
    } catch (err) {
      end(err);
      throw err;
    }
  }
  return {
    ...network,
    setUp: (attachment, signal) => reported("ADD", () => network.setUp(attachment, signal)),
    tearDown: (sandboxId, pid, signal) =>
      reported("DEL", () => network.tearDown(sandboxId, pid, signal)),
  };
}
