import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  Container,
  ContainerConfigSchema,
  ContainerEventType,
  ContainerStatus,
  PodSandbox,
  PodSandboxConfigSchema,
} from "@dockershim/cri-types";
import type { KillMoment } from "@dockershim/testing";

type SandboxConfig = MessageInitShape<typeof PodSandboxConfigSchema>;
type ContainerConfig = MessageInitShape<typeof ContainerConfigSchema>;

/** The CRI calls that the model knows. */
export interface SystemCalls {
  runPodSandbox(request: { config: SandboxConfig }): Promise<{ podSandboxId: string }>;
  stopPodSandbox(request: { podSandboxId: string }): Promise<unknown>;
  removePodSandbox(request: { podSandboxId: string }): Promise<unknown>;
  createContainer(request: {
    podSandboxId: string;
    config: ContainerConfig;
    sandboxConfig: SandboxConfig;
  }): Promise<{ containerId: string }>;
  startContainer(request: { containerId: string }): Promise<unknown>;
  stopContainer(request: { containerId: string }): Promise<unknown>;
  removeContainer(request: { containerId: string }): Promise<unknown>;
  listPodSandbox(request: Record<string, never>): Promise<{ items: PodSandbox[] }>;
  listContainers(request: Record<string, never>): Promise<{ containers: Container[] }>;
  containerStatus(request: {
    containerId: string;
  }): Promise<{ status?: ContainerStatus | undefined }>;
}

/** An event as far as the model looks at it. */
export interface SystemEvent {
  readonly containerId: string;
  readonly containerEventType: ContainerEventType;
}

/** A daemon with its engine and its network; nobody who uses it knows which of them are real. */
export interface System {
  /** Of the daemon that runs. */
  readonly calls: SystemCalls;
  /** Told since the daemon that runs was started. */
  readonly events: readonly SystemEvent[];
  /** The folder of the pods' logs. */
  readonly logs: string;
  readonly image: string;
  /** Labels by which this system's containers are known. */
  readonly labels: Record<string, string>;
  /** The engine's word for the state of each container, by id. */
  truth(): Promise<Record<string, string>>;
  /** Ids of the sandboxes that hold something of the network. */
  attached(): Promise<readonly string[]>;
  /** Kills a container's process without the daemon. */
  killBehind(id: string): Promise<void>;
  /** Removes a container without the daemon, running or not. */
  removeBehind(id: string): Promise<void>;
  /** Ends the daemon in order, does something, and starts another. */
  restart(meanwhile: () => Promise<void>): Promise<void>;
  /**
   * Does something of which the engine's events do not tell the daemon until the function is called that it resolves
   * with; their connection breaks. Undefined where the events cannot be kept back.
   */
  unheard?(act: () => Promise<void>): Promise<() => void>;
  /** Kills the daemon in the middle of something, or at its end, and starts another. */
  crash(during: () => Promise<unknown>, at: KillMoment): Promise<void>;
  close(): Promise<void>;
}
