import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerAdjustment,
  type ContainerEviction,
  type ContainerSchema,
  type ContainerUpdate,
  Event,
  type LinuxResources,
  type Plugin as PluginService,
  type PodSandboxSchema,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";

/** The name of an event that plugins are told of, and cannot change. */
export type ToldEvent =
  | "runPodSandbox"
  | "updatePodSandbox"
  | "postUpdatePodSandbox"
  | "stopPodSandbox"
  | "removePodSandbox"
  | "postCreateContainer"
  | "startContainer"
  | "postStartContainer"
  | "postUpdateContainer"
  | "removeContainer";

/** The number by which a plugin asks for each of them. */
export const eventNumbers: Readonly<Record<ToldEvent, Event>> = {
  runPodSandbox: Event.RUN_POD_SANDBOX,
  updatePodSandbox: Event.UPDATE_POD_SANDBOX,
  postUpdatePodSandbox: Event.POST_UPDATE_POD_SANDBOX,
  stopPodSandbox: Event.STOP_POD_SANDBOX,
  removePodSandbox: Event.REMOVE_POD_SANDBOX,
  postCreateContainer: Event.POST_CREATE_CONTAINER,
  startContainer: Event.START_CONTAINER,
  postStartContainer: Event.POST_START_CONTAINER,
  postUpdateContainer: Event.POST_UPDATE_CONTAINER,
  removeContainer: Event.REMOVE_CONTAINER,
};

/** The calls by which they are told. */
export type ToldMethods = Pick<typeof PluginService.method, ToldEvent>;

/** A pod and one of its containers. */
export interface ContainerSubject {
  readonly pod: MessageInitShape<typeof PodSandboxSchema>;
  readonly container: MessageInitShape<typeof ContainerSchema>;
}

/** What plugins want when a container is created. */
export interface CreateOutcome {
  /** A key with "-" before it stands for what is to be removed. */
  readonly adjust: ContainerAdjustment;
  /** Of other containers. */
  readonly updates: readonly ContainerUpdate[];
  readonly evictions: readonly ContainerEviction[];
}

/** What plugins make of an update. */
export interface UpdateOutcome {
  /** What the container is to have. */
  readonly resources: LinuxResources;
  /** Of other containers. */
  readonly updates: readonly ContainerUpdate[];
  readonly evictions: readonly ContainerEviction[];
}
