import type { NetworkObserver } from "../observed/observers.js";
import type { PodNetwork } from "./pod-network.js";

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
    // Whatever the port's arguments are: a decorator must not lose one.
    async setUp(...given) {
      const work = network.setUp(...given);
      work.catch(() => undefined);
      try {
        // Until the pod has a process, it is the engine that is waited for.
        await given[0].pid;
      } catch {
        return await work;
      }
      return await reported("ADD", () => work);
    },
    tearDown: (...given) => reported("DEL", () => network.tearDown(...given)),
  };
}
