import { AsyncLocalStorage } from "node:async_hooks";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PodTimelineSchema } from "@dockershim/cri-types/timelines";
import type { CallRecorder } from "../observed/timelines.js";

/** Pods whose timelines are kept. */
const maxPods = 1_000;
/** Calls and spans of all of them together. */
const maxEntries = 50_000;
/** Calls of one pod; what is too many goes from the middle: how it began is kept. */
const maxCalls = 64;
const keptFirst = 32;
/** What one call has asked of others. */
const maxSpans = 32;
/** Containers of one pod, of which it is known whose they are. */
const maxContainers = 64;
/** Names of spans of which there is one copy. */
const maxNames = 500;
/** Characters of a name or UID; Kubernetes' own have fewer, and others are in no timeline. */
const maxName = 253;
/** Characters of an error. */
const maxError = 200;

/** Whole microseconds up to half an hour take no memory of their own, as fractions would. */
interface Span {
  readonly name: string;
  /** Microseconds after the call's start. */
  readonly offset: number;
  /** Microseconds; undefined while it goes on. */
  duration: number | undefined;
  failed: boolean;
}

interface Call {
  readonly method: string;
  container: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Microseconds; undefined while it runs. */
  duration: number | undefined;
  error: string;
  spans: Span[];
}

interface PodMetadata {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly attempt: number;
}

interface Pod extends PodMetadata {
  sandboxId: string;
  readonly calls: Call[];
  forgotten: number;
  readonly containers: string[];
}

/** What the pods and containers are called that were there before. */
export interface KnownPods {
  /** Of a sandbox. */
  pod(sandboxId: string): PodMetadata | undefined;
  container(id: string): { readonly sandboxId: string; readonly name: string } | undefined;
}

export interface PodTimelines extends CallRecorder {
  /**
   * Newest first.
   *
   * @param reference A sandbox's id, the beginning of it, a pod's name or `namespace/name`; empty for all.
   */
  list(reference: string): MessageInitShape<typeof PodTimelineSchema>[];
  /** Calls and spans that are kept. */
  readonly entries: number;
  /** Containers of which it is known whose they are. */
  readonly containers: number;
}

/** Parts of CRI's requests and replies that tell which pod is meant. */
interface Subject {
  readonly config?: { readonly metadata?: Partial<PodMetadata> };
  readonly sandboxConfig?: { readonly metadata?: Partial<PodMetadata> };
  readonly podSandboxId?: string;
  readonly containerId?: string;
}

const methods = new Set([
  "RunPodSandbox",
  "StopPodSandbox",
  "RemovePodSandbox",
  "CreateContainer",
  "StartContainer",
  "StopContainer",
  "RemoveContainer",
  "PullImage",
]);

/** Keeps, in bounded memory, where the time of the last pods' starts and ends has gone. */
export function createPodTimelines(known: KnownPods): PodTimelines {
  // In the order in which they came: the first is the oldest.
  const pods = new Map<string, Pod>();
  const bySandbox = new Map<string, Pod>();
  const byContainer = new Map<string, { readonly pod: Pod; readonly name: string }>();
  const current = new AsyncLocalStorage<{ readonly call: Call; readonly since: number }>();
  /** One copy of each name of a span, of which there are few, unless plugins of ever new names come. */
  const names = new Map<string, string>();
  let entries = 0;

  function shared(name: string): string {
    const there = names.get(name);
    if (there !== undefined) return there;
    if (names.size < maxNames) names.set(name, name);
    return name;
  }

  function podOf(metadata: PodMetadata): Pod {
    const { namespace, name, uid, attempt } = metadata;
    const key = `${uid}/${namespace}/${name}/${attempt}`;
    const there = pods.get(key);
    if (there !== undefined) return there;
    const pod = {
      ...{ namespace, name, uid, attempt },
      sandboxId: "",
      calls: [],
      forgotten: 0,
      containers: [],
    };
    pods.set(key, pod);
    return pod;
  }

  function podOfSandbox(sandboxId: string): Pod | undefined {
    const there = bySandbox.get(sandboxId);
    if (there !== undefined) return there;
    const metadata = known.pod(sandboxId);
    if (metadata === undefined) return undefined;
    const pod = podOf(metadata);
    identify(pod, sandboxId);
    return pod;
  }

  function identify(pod: Pod, sandboxId: string): void {
    bySandbox.delete(pod.sandboxId);
    pod.sandboxId = sandboxId;
    bySandbox.set(sandboxId, pod);
  }

  function containerOf(id: string) {
    const there = byContainer.get(id);
    if (there !== undefined) return there;
    const record = known.container(id);
    const pod = record && podOfSandbox(record.sandboxId);
    if (record === undefined || pod === undefined) return undefined;
    return introduce(id, pod, record.name);
  }

  function introduce(id: string, pod: Pod, name: string) {
    const container = { pod, name };
    byContainer.set(id, container);
    pod.containers.push(id);
    if (pod.containers.length > maxContainers) byContainer.delete(pod.containers.shift() ?? "");
    return container;
  }

  function dismiss(id: string, pod: Pod): void {
    byContainer.delete(id);
    const at = pod.containers.indexOf(id);
    if (at >= 0) pod.containers.splice(at, 1);
  }

  function subjectOf(method: string, request: Subject): { pod: Pod; name: string } | undefined {
    const { config, sandboxConfig, podSandboxId = "", containerId = "" } = request;
    if (method === "RunPodSandbox" || method === "PullImage") {
      const metadata = (method === "PullImage" ? sandboxConfig : config)?.metadata;
      if (!metadata?.uid) return undefined;
      const { namespace = "", name = "", uid, attempt = 0 } = metadata;
      if ([namespace, name, uid].some((each) => each.length > maxName)) return undefined;
      return { pod: podOf({ namespace, name, uid, attempt }), name: "" };
    }
    if (containerId !== "") return containerOf(containerId);
    const pod = podOfSandbox(podSandboxId);
    return (
      pod && {
        pod,
        name: method === "CreateContainer" ? (config?.metadata?.name ?? "").slice(0, maxName) : "",
      }
    );
  }

  function add(pod: Pod, call: Call): void {
    pod.calls.push(call);
    entries += 1;
    if (pod.calls.length > maxCalls) {
      const [gone] = pod.calls.splice(keptFirst, 1);
      entries -= 1 + (gone?.spans.length ?? 0);
      pod.forgotten += 1;
    }
    for (const [key, oldest] of pods) {
      if (pods.size <= maxPods && entries <= maxEntries) return;
      if (oldest === pod) continue;
      pods.delete(key);
      bySandbox.delete(oldest.sandboxId);
      for (const id of oldest.containers) byContainer.delete(id);
      entries -= oldest.calls.reduce((sum, { spans }) => sum + 1 + spans.length, 0);
    }
  }

  /** What a call that has succeeded tells of who is who from now on. */
  function learn(
    method: string,
    { pod, name }: { pod: Pod; name: string },
    request: Subject,
    reply: Subject,
  ): void {
    if (method === "RemoveContainer") dismiss(request.containerId ?? "", pod);
    if (method === "RunPodSandbox" && reply.podSandboxId) identify(pod, reply.podSandboxId);
    if (method === "CreateContainer" && reply.containerId) introduce(reply.containerId, pod, name);
  }

  return {
    async call(method, request, work) {
      const subject = methods.has(method) ? subjectOf(method, request as Subject) : undefined;
      if (subject === undefined) return await work();
      const since = performance.now();
      const call: Call = {
        method,
        container: subject.name,
        startedAt: Date.now(),
        duration: undefined,
        error: "",
        spans: [],
      };
      add(subject.pod, call);
      try {
        const result = await current.run({ call, since }, work);
        learn(method, subject, request as Subject, result.message as Subject);
        return result;
      } catch (err) {
        call.error = (err instanceof Error ? err.message : String(err)).slice(0, maxError);
        throw err;
      } finally {
        call.duration = microsecondsSince(since);
        // An array that has grown has room for more.
        call.spans = call.spans.slice();
      }
    },
    begin(name) {
      const running = current.getStore();
      // A call that is over may have left something behind that goes on.
      if (running === undefined || running.call.duration !== undefined) return undefined;
      const { call, since } = running;
      if (call.spans.length >= maxSpans) return undefined;
      const offset = microsecondsSince(since);
      const span: Span = { name: shared(name), offset, duration: undefined, failed: false };
      call.spans.push(span);
      entries += 1;
      return (error) => {
        span.duration = Math.max(1, microsecondsSince(since) - offset);
        span.failed = error !== undefined;
      };
    },
    list(reference) {
      return [...pods.values()]
        .filter((pod) => isMeant(pod, reference))
        .reverse()
        .map(({ sandboxId, containers: _containers, calls, ...pod }) => ({
          ...pod,
          podSandboxId: sandboxId,
          calls: calls.map(({ spans, startedAt, duration, ...call }) => ({
            ...call,
            startedAt: BigInt(startedAt) * 1_000_000n,
            duration: nanoseconds(duration),
            spans: spans.map((span) => ({
              name: span.name,
              offset: nanoseconds(span.offset),
              duration: nanoseconds(span.duration),
              failed: span.failed,
            })),
          })),
        }));
    },
    get entries() {
      return entries;
    },
    get containers() {
      return byContainer.size;
    },
  };
}

function isMeant({ sandboxId, namespace, name }: Pod, reference: string): boolean {
  return (
    sandboxId.startsWith(reference) || name === reference || `${namespace}/${name}` === reference
  );
}

/** At least one: 0 stands for what goes on. */
function microsecondsSince(ms: number): number {
  return Math.max(1, Math.round((performance.now() - ms) * 1_000));
}

function nanoseconds(microseconds = 0): bigint {
  return BigInt(microseconds) * 1_000n;
}
