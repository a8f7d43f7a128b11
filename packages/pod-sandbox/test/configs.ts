import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerConfig,
  ContainerConfigSchema,
  type LinuxContainerResources,
  LinuxContainerResourcesSchema,
  type PodSandboxConfig,
  PodSandboxConfigSchema,
} from "@dockershim/cri-types";
import {
  type ContainerConfigs,
  type ContainerPlanInput,
  type CreateContainerBody,
  type EngineFacts,
  type InspectedContainer,
  type InspectedState,
  type SandboxPlanInput,
  type ValidContainerResources,
  validateContainerConfigs,
  validateContainerResources,
  validateSandboxConfig,
} from "../src/index.js";

/** An engine that can do everything. */
export const newest: EngineFacts = {
  apiVersion: "1.51",
  cgroupVersion: 2,
  cgroupDriver: "systemd",
  runtimes: ["runc", "kata"],
  defaultRuntime: "runc",
  seccomp: true,
  apparmor: true,
  selinux: true,
  arch: "x86_64",
  minOomScoreAdj: -1000,
  recursiveReadOnly: true,
};

/** Docker 20.10 on a node with cgroup v1 and nothing fancy. */
export const oldest: EngineFacts = {
  ...newest,
  apiVersion: "1.41",
  cgroupVersion: 1,
  cgroupDriver: "cgroupfs",
  apparmor: false,
  selinux: false,
};

type SandboxInit = Exclude<MessageInitShape<typeof PodSandboxConfigSchema>, PodSandboxConfig>;
type ContainerInit = Exclude<MessageInitShape<typeof ContainerConfigSchema>, ContainerConfig>;
type ResourcesInit = MessageInitShape<typeof LinuxContainerResourcesSchema>;

export const podMetadata = { name: "web", namespace: "shop", uid: "6f1c2d7e", attempt: 1 };

export function sandboxConfig(init: SandboxInit = {}): PodSandboxConfig {
  return create(PodSandboxConfigSchema, { metadata: podMetadata, hostname: "web-0", ...init });
}

export function containerConfig(init: ContainerInit = {}): ContainerConfig {
  return create(ContainerConfigSchema, {
    metadata: { name: "nginx", attempt: 2 },
    image: { image: "nginx:1.27" },
    ...init,
  });
}

export function resources(init: ResourcesInit = {}): LinuxContainerResources {
  return create(LinuxContainerResourcesSchema, init);
}

/** Limits that are right. */
export function validResources(init: ResourcesInit = {}): ValidContainerResources {
  const made = resources(init);
  validateContainerResources(made);
  return made;
}

export function sandboxInput(
  config: PodSandboxConfig = sandboxConfig(),
  rest: Partial<SandboxPlanInput> = {},
): SandboxPlanInput {
  validateSandboxConfig(config);
  return {
    config,
    runtimeHandler: "",
    image: "dockershim/pause:1",
    engine: newest,
    instance: "node-a",
    networkMode: "none",
    ...rest,
  };
}

export const imageId = `sha256:${"a".repeat(64)}`;

/** What of a plan's input a test changes beside the container's config. */
export type ContainerRest = Partial<Omit<ContainerPlanInput, keyof ContainerConfigs>> &
  Pick<ContainerConfigs, "sandboxConfig">;

export function containerInput(
  config: ContainerConfig = containerConfig(),
  { sandboxConfig: pod = sandboxConfig(), ...rest }: ContainerRest = {},
): ContainerPlanInput {
  const configs = { config, sandboxConfig: pod };
  validateContainerConfigs(configs);
  return {
    ...configs,
    sandbox: { id: "5and80x", runtimeHandler: "" },
    image: { id: imageId, ref: "nginx@sha256:cafe", config: { Cmd: ["nginx"] } },
    engine: newest,
    instance: "node-a",
    ...rest,
  };
}

const zeroTime = "0001-01-01T00:00:00Z";

/**
 * What Docker answers to an inspect of a container made from `body`: it adds the image's labels
 * under the container's and fills in what was left out.
 */
export function inspected(
  plan: { name: string; body: CreateContainerBody },
  state: Partial<InspectedState> = {},
  imageLabels: Record<string, string> = {},
): InspectedContainer {
  const { HostConfig, ...config } = JSON.parse(JSON.stringify(plan.body)) as CreateContainerBody;
  return {
    Id: "c0ffee",
    Name: `/${plan.name}`,
    Created: "2026-11-23T10:00:00.123456789Z",
    Image: imageId,
    State: {
      ...{ Status: "created", Running: false, Paused: false, OOMKilled: false, Pid: 0 },
      ...{ ExitCode: 0, Error: "", StartedAt: zeroTime, FinishedAt: zeroTime },
      ...state,
    },
    Config: {
      ...config,
      Labels: Object.fromEntries([
        ...Object.entries(imageLabels),
        ...Object.entries(config.Labels),
      ]),
    },
    HostConfig: {
      ...{ CpuShares: 0, CpuPeriod: 0, CpuQuota: 0, CpusetCpus: "", CpusetMems: "" },
      ...{ Memory: 0, MemorySwap: 0, OomScoreAdj: 0, Runtime: "runc", PidMode: "" },
      ...HostConfig,
    },
    Mounts: [],
  };
}

export const running: Partial<InspectedState> = {
  Status: "running",
  Running: true,
  Pid: 4711,
  StartedAt: "2026-11-23T10:00:01.5Z",
};

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Runs something that must throw, and returns what it threw. */
export function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("expected an error, but there was none");
}
