import type { Container, PodSandbox } from "@dockershim/cri-types";
import type { ContainerInspect } from "@dockershim/docker-client";
import {
  sandboxIdOf,
  TYPE_LABEL,
  TYPE_SANDBOX,
  toContainer,
  toPodSandbox,
  withoutSuffix,
} from "@dockershim/pod-sandbox";
import { type ProcessUser, processUser } from "./process-user.js";

/** A sandbox container of Docker with the CRI view of it. */
export interface SandboxRecord {
  readonly kind: "sandbox";
  readonly id: string;
  /** Docker's name without the slash. */
  readonly name: string;
  /** The name that follows from its metadata: `name` without the suffix after a conflict. */
  readonly plannedName: string;
  readonly inspect: ContainerInspect;
  /** True when the engine did not answer an inspect, and its list had to do. */
  readonly unread: boolean;
  readonly item: PodSandbox;
}

/** An app container of Docker with the CRI view of it. */
export interface ContainerRecord {
  readonly kind: "container";
  readonly id: string;
  readonly name: string;
  readonly plannedName: string;
  readonly sandboxId: string;
  readonly inspect: ContainerInspect;
  readonly unread: boolean;
  readonly item: Container;
  /** Who its first process runs as, or did; undefined of one that was never seen running. */
  readonly user: ProcessUser | undefined;
}

export type StoreRecord = SandboxRecord | ContainerRecord;

/** Whether it runs, or did. */
export function wasStarted({ inspect }: Pick<StoreRecord, "inspect">): boolean {
  return inspect.State.Status !== "created";
}

/** Whether its process has ended. */
export function hasEnded({ inspect }: Pick<StoreRecord, "inspect">): boolean {
  return inspect.State.Status === "exited" || inspect.State.Status === "dead";
}

/**
 * Makes the record of an inspected container.
 *
 * @param previous The record it replaces; what cannot change while the container runs is kept.
 * @param unread Whether the inspect is made from the engine's list.
 */
export function toRecord(
  inspect: ContainerInspect,
  previous?: StoreRecord,
  unread = false,
): StoreRecord {
  const name = inspect.Name.replace(/^\//, "");
  const plannedName = withoutSuffix(name);
  const containerLabels = inspect.Config.Labels ?? {};
  if (containerLabels[TYPE_LABEL] === TYPE_SANDBOX) {
    const item = toPodSandbox({ inspect });
    return { kind: "sandbox", id: inspect.Id, name, plannedName, inspect, unread, item };
  }
  const { Pid: pid } = inspect.State;
  const same =
    previous?.kind === "container" && (pid === 0 || pid === previous.inspect.State.Pid)
      ? previous.user
      : undefined;
  return {
    kind: "container",
    id: inspect.Id,
    name,
    plannedName,
    sandboxId: sandboxIdOf(inspect),
    inspect,
    unread,
    item: toContainer({ inspect }),
    user: same ?? (pid > 0 ? processUser(pid) : undefined),
  };
}
