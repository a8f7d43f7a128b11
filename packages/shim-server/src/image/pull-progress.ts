import type { PullProgress } from "@dockershim/docker-client";

/** Watches one pull; see {@link createPullWatches}. */
export interface PullWatch {
  /** Fires when the pull has made no progress for too long. */
  readonly signal: AbortSignal;
  /** Takes a line of the engine's progress. */
  report(line: PullProgress): void;
  /** What was heard last, for people. */
  readonly last: string;
  stop(): void;
}

/** Starts watches of pulls that share an engine. */
export type PullWatches = () => PullWatch;

/**
 * When the registry has delivered everything, the engine unpacks. It says little of that, and a
 * slow disk is no reason to throw a finished download away.
 */
const unpackFactor = 10;

/** What the engine says of a layer that needs nothing of the registry any more. */
const local = /^(?:Download complete|Extracting|Pull complete|Already exists)/;

/** Layers that wait for one of the few downloads that an engine runs at once. */
const queued = /^Waiting/;

/**
 * Finds pulls that stall.
 *
 * Progress is a line that says something new: with the containerd image store the engine repeats
 * what it last said ten times a second, whatever happens. A pull whose layers all wait for their
 * turn lives on the progress of the others.
 *
 * @param deadlineMs Longest time without progress; 0 for no limit.
 */
export function createPullWatches(deadlineMs: number): PullWatches {
  const watches = new Set<{ refreshIfQueued(): void }>();

  return () => {
    const controller = new AbortController();
    const layers = new Map<string, string>();
    const seen = new Map<string, string>();
    let last = "nothing";
    let timer: NodeJS.Timeout | undefined;

    function restart(): void {
      clearTimeout(timer);
      if (deadlineMs === 0) return;
      const states = [...layers.values()];
      const unpacking = states.length > 0 && states.every((status) => local.test(status));
      timer = setTimeout(() => controller.abort(), deadlineMs * (unpacking ? unpackFactor : 1));
    }

    const self = {
      refreshIfQueued(): void {
        const waiting = [...layers.values()].filter((status) => !local.test(status));
        if (waiting.length > 0 && waiting.every((status) => queued.test(status))) restart();
      },
    };
    watches.add(self);
    restart();
    return {
      signal: controller.signal,
      report({ id = "", status = "", progressDetail }) {
        const said = `${status} ${progressDetail?.current ?? ""}`.trim();
        if (seen.get(id) === said) return;
        seen.set(id, said);
        last = id === "" ? said : `${id}: ${said}`;
        // Without a detail the line is about the whole image, and its id is the tag.
        if (progressDetail !== undefined) layers.set(id, status);
        restart();
        for (const other of watches) {
          if (other !== self) other.refreshIfQueued();
        }
      },
      get last() {
        return last;
      },
      stop() {
        clearTimeout(timer);
        watches.delete(self);
      },
    };
  };
}
