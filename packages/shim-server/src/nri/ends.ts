import type { ContainerSubject, PluginHost } from "@dockershim/nri";
import { BoundedMap } from "../async/bounded-map.js";
import {
  type ContainerRecord,
  hasEnded,
  type SandboxRecord,
  type StoreRecord,
} from "../state/records.js";
import type { Store, StoreChange } from "../state/store.js";
import type { PluginRequests } from "./plugin-requests.js";

/** Who is told of ends, and how records are told. */
export interface EndsParts {
  readonly host: Pick<PluginHost, "tell" | "stopContainer" | "plugins">;
  readonly store: Pick<Store, "onChange">;
  readonly requests: Pick<PluginRequests, "update">;
  readonly subject: (record: ContainerRecord) => ContainerSubject;
  readonly pod: (record: SandboxRecord) => ContainerSubject["pod"];
  /** Waits for plugins to be told; their errors are logged, for nothing can be changed any more. */
  readonly tell: (what: string, id: string, work: Promise<unknown>) => Promise<void>;
}

/** Tells plugins of ends and removals, each once, whoever has caused them. */
export interface Ends {
  /** A container is being started: its end is told after what this returns is called. */
  starting(id: string): () => void;
  /** Settles when plugins have been told of an end that the store shows. */
  told(id: string): Promise<void>;
  sandboxStopped(record: SandboxRecord): Promise<void>;
  removed(record: StoreRecord): Promise<void>;
  /** A container that plugins were asked about will not be. */
  undone(id: string, planned: ContainerRecord): Promise<void>;
  close(): void;
}

/** Docker never gives an id twice, and memory is finite. */
const rememberedEnds = 4096;

/** Containers end by themselves, and both go behind our back: so it follows the store. */
export function createEnds({ host, store, requests, subject, pod, tell }: EndsParts): Ends {
  /** Sandboxes and containers whose stop, or removal, plugins have been told of. */
  const stopTold = new BoundedMap<string, true>(rememberedEnds);
  const removalTold = new BoundedMap<string, true>(rememberedEnds);
  /** Starts that are under way. */
  const starts = new Map<string, Promise<void>>();
  /** Ends that plugins are being told of. */
  const ends = new Map<string, Promise<void>>();

  function tellEnd(record: ContainerRecord): void {
    const { id } = record;
    const ended = subject(record);
    const work = Promise.resolve(starts.get(id))
      .then(() => host.stopContainer(ended))
      .then(requests.update);
    ends.set(
      id,
      tell("a container has ended", id, work).finally(() => ends.delete(id)),
    );
  }

  async function removed(record: StoreRecord): Promise<void> {
    const { id } = record;
    if (removalTold.has(id)) return;
    removalTold.set(id, true);
    if (record.kind === "container") {
      const told = subject(record);
      await ends.get(id);
      await tell("a container is removed", id, host.tell("removeContainer", told));
    } else {
      await sandboxStopped(record);
      await tell("a pod is removed", id, host.tell("removePodSandbox", { pod: pod(record) }));
    }
  }

  async function sandboxStopped(record: SandboxRecord): Promise<void> {
    if (stopTold.has(record.id)) return;
    stopTold.set(record.id, true);
    await tell("a pod is stopped", record.id, host.tell("stopPodSandbox", { pod: pod(record) }));
  }

  function follow({ before, after }: StoreChange): void {
    if (before?.kind === "container" && after === undefined && hasRun(before)) tellEnd(before);
    // A short one may never be seen to run.
    if (
      before !== undefined &&
      after?.kind === "container" &&
      hasEnded(after) &&
      !hasEnded(before)
    ) {
      tellEnd(after);
    }
    if (after !== undefined || before === undefined) return;
    void removed(before);
  }

  const unfollow = store.onChange(follow);

  return {
    starting(id) {
      const over = Promise.withResolvers<void>();
      starts.set(id, over.promise);
      return () => {
        starts.delete(id);
        over.resolve();
      };
    },
    told: async (id) => await ends.get(id),
    sandboxStopped,
    removed,
    async undone(id, planned) {
      if (removalTold.has(id)) return;
      removalTold.set(id, true);
      if (host.plugins.length === 0) return;
      const undone = subject({ ...planned, id });
      const stopped = host.stopContainer(undone).then(requests.update);
      await tell("a container is not created", id, stopped);
      await tell("a container is not created", id, host.tell("removeContainer", undone));
    },
    close: unfollow,
  };
}

/** Whether its process ran when it was seen. */
function hasRun({ inspect }: StoreRecord): boolean {
  return ["running", "paused", "restarting"].includes(inspect.State.Status);
}
