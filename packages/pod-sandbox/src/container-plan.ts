import { clone } from "@bufbuild/protobuf";
import {
  type ContainerConfig,
  ImageSpecSchema,
  type Mount,
  MountSchema,
  type NamespaceOption,
} from "@dockershim/cri-types";
import { toCgroupParent } from "./cgroup-parent.js";
import { toDeviceMappings, toDeviceRequests } from "./devices.js";
import type { CgroupWrite, CreateContainerBody, LogConfig } from "./docker-create.js";
import type { InspectedImageConfig } from "./docker-inspect.js";
import type { EngineFacts } from "./engine-facts.js";
import { toDockerEnvironment } from "./environment.js";
import {
  INSTANCE_LABEL,
  LOG_PATH_LABEL,
  RECORD_LABEL,
  SANDBOX_ID_LABEL,
  SPEC_PATCH_LABEL,
  TYPE_CONTAINER,
  toDockerLabels,
} from "./labels.js";
import { type MountedImage, planMounts } from "./mounts.js";
import { containerName } from "./names.js";
import { containerNamespaces } from "./namespaces.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import { containerRecord } from "./record.js";
import {
  type AskedClasses,
  annotatedClasses,
  type NodeClasses,
  planClasses,
} from "./resource-classes.js";
import { planResources } from "./resources.js";
import { toDockerRuntime, toOciAnnotations } from "./runtime-handler.js";
import { containerSecurity } from "./security-context.js";
import { toDockerSignal } from "./signals.js";
import { joinSpecPatches, type SpecPatch, type UserNamespacePatch } from "./spec-patch.js";
import { planSpecPatch } from "./spec-patch-plan.js";
import { userNamespaceOf } from "./user-namespace.js";
import { type ImageUser, toUserFields } from "./users.js";
import type { ValidContainerConfigs } from "./validate-container.js";

/** The image a container is made of. */
export interface PlannedImage {
  /** Docker's image id, `sha256:…`. */
  id: string;
  /** Digested reference, reported as `image_ref`; the id where there is none. */
  ref: string;
  config?: InspectedImageConfig | null | undefined;
  /** What the image says of the user that will run; needed where `imageUserNeeded` says so. */
  user?: ImageUser | undefined;
}

/** What `planContainer` needs to know. */
export interface ContainerPlanInput extends ValidContainerConfigs {
  sandbox: {
    /** Docker id of the sandbox. */
    id: string;
    /** Handler the sandbox was run with. */
    runtimeHandler: string;
    /** Namespaces that the sandbox was run with. */
    namespaceOptions?: NamespaceOption | undefined;
    /** See {@link shimGroupOf}. */
    shimGroup?: string | undefined;
  };
  image: PlannedImage;
  engine: EngineFacts;
  instance: string;
  /** JSON text of the Localhost seccomp profile, when the config names one. */
  seccompProfile?: string | undefined;
  /** Docker's log driver for the container; the engine's default where left out. */
  logConfig?: LogConfig | undefined;
  /** Image volumes: `Mount.image.image` as asked → the image on this engine. */
  imageMounts?: ReadonlyMap<string, MountedImage> | undefined;
  /** `Mount.host_path` as asked → real path, where the server followed a symbolic link. */
  resolvedHostPaths?: ReadonlyMap<string, string> | undefined;
  /** What others than the CRI config want in the container's OCI spec. */
  specPatch?: SpecPatch | undefined;
  /** The node's classes of resources; needed where the container is to be of one. */
  nodeClasses?: NodeClasses | undefined;
  /** Classes that others ask for, in place of those that annotations name. */
  askedClasses?: AskedClasses | undefined;
}

/** A container to create. */
export interface ContainerPlan {
  name: string;
  body: CreateContainerBody;
  /** Things an operator should know, as full sentences. */
  warnings: string[];
  /** Limits without a create option: to write once the container's cgroup exists. */
  cgroupWrites: CgroupWrite[];
  /** What goes into the container's OCI spec by way of the spec hook; it is in a label of the body too. */
  specPatch?: SpecPatch | undefined;
}

/**
 * Plans an app container: plain data for `POST /containers/create`.
 *
 * @throws PodSandboxError naming the field that this image or engine cannot do
 */
export function planContainer(input: ContainerPlanInput): ContainerPlan {
  const { config, sandboxConfig, sandbox, image, engine } = input;
  const context = config.linux?.securityContext;
  const images = input.imageMounts ?? new Map();
  const hostPaths = input.resolvedHostPaths ?? new Map();
  const { GroupAdd, ...userFields } = toUserFields(context, image.config?.User ?? "", image.user);
  const resources = planResources(config.linux?.resources, engine);
  const devices = toDeviceMappings(config.devices);
  const deviceRequests = toDeviceRequests(config.CDIDevices, engine);
  const { runtimeHandler } = sandbox;
  const asked = { ...annotatedClasses(config, sandboxConfig), ...input.askedClasses };
  const classes = planClasses(asked, input.nodeClasses, runtimeHandler, engine);
  const patched = planSpecPatch({
    mounts: config.mounts,
    resources: config.linux?.resources,
    cgroupWrites: resources.cgroupWrites,
    extra: joinSpecPatches(classes.specPatch, input.specPatch),
    userNamespace: joinedUserNamespace(context?.namespaceOptions, sandbox),
    runtimeHandler,
    engine,
  });
  const runtime = patched?.runtime ?? toDockerRuntime(runtimeHandler, engine);
  const annotations = toOciAnnotations(
    runtimeHandler,
    engine,
    sandbox.shimGroup,
    sandboxConfig.annotations,
    config.annotations,
  );
  const cgroupParent = toCgroupParent(sandboxConfig.linux?.cgroupParent ?? "", engine);
  const name = containerName(sandboxConfig.metadata, config.metadata);
  const body: CreateContainerBody = {
    // The id and not the name: a tag may move between the kubelet's pull and this call.
    Image: image.id,
    ...userFields,
    ...processFields(config, image),
    Labels: {
      ...containerLabels(name, config, images, input),
      ...(patched === undefined ? {} : { [SPEC_PATCH_LABEL]: JSON.stringify(patched.patch) }),
    },
    OpenStdin: config.stdin,
    StdinOnce: config.stdinOnce,
    Tty: config.tty,
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      ...containerNamespaces(context?.namespaceOptions, sandbox.id),
      ...containerSecurity(context, input.seccompProfile, engine),
      ...(GroupAdd !== undefined ? { GroupAdd } : {}),
      ...planMounts(config.mounts, { engine, images, hostPaths }),
      ...(devices.length > 0 ? { Devices: devices } : {}),
      ...(deviceRequests.length > 0 ? { DeviceRequests: deviceRequests } : {}),
      RestartPolicy: { Name: "no" },
      ...(input.logConfig !== undefined ? { LogConfig: input.logConfig } : {}),
      ...(runtime !== undefined ? { Runtime: runtime } : {}),
      ...(annotations !== undefined ? { Annotations: annotations } : {}),
      ...(cgroupParent !== undefined ? { CgroupParent: cgroupParent } : {}),
      ...resources.fields,
      ...classes.fields,
    },
  };
  const { warnings, cgroupWrites } = resources;
  return { name, body, warnings, cgroupWrites, specPatch: patched?.patch };
}

/** A container is in its pod's user namespace, whatever it says itself. */
function joinedUserNamespace(
  own: NamespaceOption | undefined,
  sandbox: ContainerPlanInput["sandbox"],
): UserNamespacePatch | undefined {
  const ofPod = userNamespaceOf(sandbox.namespaceOptions);
  if (ofPod !== undefined) return { ...ofPod, sandbox: sandbox.id };
  if (userNamespaceOf(own) === undefined) return undefined;
  const field = "config.linux.security_context.namespace_options.userns_options";
  throw new PodSandboxError("invalid_argument", field, "the pod has no user namespace of its own");
}

type ProcessFields = Pick<
  CreateContainerBody,
  "Entrypoint" | "Cmd" | "Env" | "WorkingDir" | "StopSignal"
>;

/**
 * Command and args. Docker takes the image's CMD only where neither is given, and the image's
 * ENTRYPOINT where `Entrypoint` is absent, which is what CRI means. An empty list would not be
 * absent: it would clear the entrypoint.
 */
function processFields(config: ContainerConfig, image: PlannedImage): ProcessFields {
  const { command, args } = config;
  const given = command.length + args.length;
  const ofImage = (image.config?.Entrypoint?.length ?? 0) + (image.config?.Cmd?.length ?? 0);
  if (given + ofImage === 0 && image.config) {
    const reason = "is empty, and the image has neither ENTRYPOINT nor CMD";
    throw new PodSandboxError("invalid_argument", "config.command", reason);
  }
  const environment = toDockerEnvironment(config.envs);
  const signal = toDockerSignal(config.stopSignal);
  return {
    ...(command.length > 0 ? { Entrypoint: [...command] } : {}),
    ...(args.length > 0 ? { Cmd: [...args] } : {}),
    ...(environment.length > 0 ? { Env: environment } : {}),
    ...(config.workingDir !== "" ? { WorkingDir: config.workingDir } : {}),
    ...(signal !== undefined ? { StopSignal: signal } : {}),
  };
}

function containerLabels(
  name: string,
  config: ValidContainerConfigs["config"],
  images: ReadonlyMap<string, MountedImage>,
  input: ContainerPlanInput,
): Record<string, string> {
  const mounts = config.mounts.map((mount) => withImageRef(mount, images));
  return {
    ...toDockerLabels(config.labels, config.annotations, TYPE_CONTAINER),
    [SANDBOX_ID_LABEL]: input.sandbox.id,
    [LOG_PATH_LABEL]: logPath(input.sandboxConfig.logDirectory, config.logPath),
    [INSTANCE_LABEL]: input.instance,
    [RECORD_LABEL]: containerRecord(name, { ...config, mounts }, input.image.ref),
  };
}

/** Absolute path of a container's log; empty where CRI wants none. */
function logPath(directory: string, file: string): string {
  return directory === "" || file === "" ? "" : `${directory.replace(/\/+$/, "")}/${file}`;
}

// What was mounted is reported with its digest, which only the plan knows.
function withImageRef(mount: Mount, images: ReadonlyMap<string, MountedImage>): Mount {
  const found = mount.image && images.get(mount.image.image);
  if (mount.image === undefined || found === undefined) return mount;
  const copy = clone(MountSchema, mount);
  copy.image = clone(ImageSpecSchema, mount.image);
  copy.image.imageRef = found.ref;
  return copy;
}
