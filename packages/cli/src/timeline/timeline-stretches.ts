import type { PodTimeline, TimelineCall } from "@dockershim/cri-types/timelines";

/** Something that took time; times are milliseconds. */
export interface TimelineRow {
  /** `call` of CRI's, `span` within one, `wait` for the next call, `mark` of a moment. */
  readonly kind: "call" | "span" | "wait" | "mark";
  readonly name: string;
  /** The container that it was about; empty for the pod. */
  readonly container: string;
  /** After the stretch's begin. */
  readonly offset: number;
  /** Undefined while it goes on. */
  readonly duration: number | undefined;
  /** Why it failed; empty if it did not. */
  readonly error: string;
}

/** Calls that follow each other: a pod's start, its end, or a container's restart. */
export interface Stretch {
  readonly title: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly duration: number;
  readonly rows: readonly TimelineRow[];
}

/** A moment to show beside the calls. */
export interface Mark {
  readonly name: string;
  readonly container: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Calls further apart than this belong to different stretches, in milliseconds. */
const apart = 30_000;
/** Shorter waits between calls are no line of their own, in milliseconds. */
const shortWait = 20;

/** A timeline's calls in stretches, in the order in which they began. */
export function toStretches({ calls }: PodTimeline, marks: readonly Mark[]): Stretch[] {
  const groups: TimelineCall[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const call of calls) {
    const startedAt = milliseconds(call.startedAt);
    if (startedAt - end > apart) groups.push([]);
    groups.at(-1)?.push(call);
    end = Math.max(end, startedAt + milliseconds(call.duration));
  }
  return groups.map((group) => toStretch(group, marks));
}

function toStretch(calls: readonly TimelineCall[], marks: readonly Mark[]): Stretch {
  const startedAt = milliseconds(calls[0]?.startedAt ?? 0n);
  let end = startedAt;
  const rows: TimelineRow[] = [];
  for (const call of calls) {
    const began = milliseconds(call.startedAt);
    if (began - end > shortWait) {
      rows.push({
        ...{ kind: "wait", name: "until the next call", container: "", error: "" },
        ...{ offset: end - startedAt, duration: began - end },
      });
    }
    const offset = began - startedAt;
    rows.push({
      ...{ kind: "call", name: call.method, container: call.container, error: call.error },
      ...{ offset, duration: durationOf(call.duration) },
    });
    for (const span of call.spans) {
      rows.push({
        ...{ kind: "span", name: span.name, container: call.container },
        ...{ offset: offset + milliseconds(span.offset), duration: durationOf(span.duration) },
        error: span.failed ? "failed" : "",
      });
    }
    end = Math.max(end, began + milliseconds(call.duration));
  }
  for (const { name, container, at } of marks) {
    if (at < startedAt || at > end + apart) continue;
    rows.push({ kind: "mark", name, container, offset: at - startedAt, duration: 0, error: "" });
    end = Math.max(end, at);
  }
  return { title: titleOf(calls), startedAt, duration: end - startedAt, rows };
}

function titleOf(calls: readonly TimelineCall[]): string {
  const has = (method: string): boolean => calls.some((call) => call.method === method);
  const [starts, ends] = [has("RunPodSandbox"), has("StopPodSandbox") || has("RemovePodSandbox")];
  if (starts && ends) return "Start and end";
  if (starts) return "Start";
  if (ends) return "End";
  return has("StartContainer") ? "Restart" : "Meanwhile";
}

function durationOf(nanoseconds: bigint): number | undefined {
  return nanoseconds === 0n ? undefined : milliseconds(nanoseconds);
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}

/** As people read it: `812ms`, `2.41s`, `3m5s`. */
export function formatMs(ms: number | undefined): string {
  if (ms === undefined) return "…";
  if (ms < 10) return `${ms.toFixed(1)}ms`;
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(2)}s`;
  return `${Math.floor(ms / 60_000)}m${Math.round((ms % 60_000) / 1_000)}s`;
}
