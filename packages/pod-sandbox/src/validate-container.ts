import {
  type ContainerConfig,
  type ContainerMetadata,
  type LinuxContainerConfig,
  type Mount,
  MountPropagation,
  type PodSandboxConfig,
  type PodSandboxMetadata,
  Signal,
} from "@dockershim/cri-types";
import { toDockerEnvironment } from "./environment.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import { cleanPath } from "./spec-patch.js";
import { validateContainerMetadata, validateSandboxMetadata } from "./validate-metadata.js";
import {
  validateAbsolutePath,
  validateLogDirectory,
  validateRelativePath,
} from "./validate-path.js";
import { type ValidContainerResources, validateContainerResources } from "./validate-resources.js";
import {
  validateCapabilities,
  validateMappings,
  validateNamespaceOptions,
  validateSelinux,
  validateUser,
} from "./validate-security.js";

/** What a request says of a container to create: the fields of CreateContainerRequest. */
export interface ContainerConfigs {
  readonly config?: ContainerConfig | undefined;
  /** Of the same request; its metadata is part of the container's name. */
  readonly sandboxConfig?: PodSandboxConfig | undefined;
}

declare const checked: unique symbol;

/** Configs that have passed `validateContainerConfigs`: nothing else makes them. */
export interface ValidContainerConfigs {
  readonly config: ContainerConfig & {
    metadata: ContainerMetadata;
    image: NonNullable<ContainerConfig["image"]>;
    linux?: LinuxContainerConfig & { resources?: ValidContainerResources };
    readonly [checked]: true;
  };
  readonly sandboxConfig: PodSandboxConfig & { metadata: PodSandboxMetadata };
}

function refuse(field: string, reason: string): never {
  throw new PodSandboxError("invalid_argument", field, reason);
}

/**
 * Checks a container config against CRI's rules and what Docker can do, and of its sandbox's config what goes
 * into the container's name and the path of its log.
 *
 * @throws PodSandboxError naming the field; `unimplemented` for what Docker cannot do
 */
export function validateContainerConfigs(
  configs: ContainerConfigs,
): asserts configs is ValidContainerConfigs {
  const { config, sandboxConfig } = configs;
  if (config === undefined) refuse("config", "is missing");
  if (sandboxConfig === undefined) refuse("sandbox_config", "is missing");
  validateContainerMetadata(config.metadata, "config.metadata");
  validateSandboxMetadata(sandboxConfig.metadata, "sandbox_config.metadata");
  validateLogDirectory(sandboxConfig.logDirectory, "sandbox_config.log_directory");
  if (config.image === undefined || config.image.image === "") {
    refuse("config.image.image", "must not be empty");
  }
  if (config.workingDir !== "") validateAbsolutePath(config.workingDir, "config.working_dir");
  validateRelativePath(config.logPath, "config.log_path");
  if (Signal[config.stopSignal] === undefined) {
    refuse("config.stop_signal", `unknown value ${config.stopSignal}`);
  }
  if (config.windows !== undefined) {
    const reason = "only Linux containers are possible";
    throw new PodSandboxError("unimplemented", "config.windows", reason);
  }
  toDockerEnvironment(config.envs);
  validateMounts(config.mounts);
  validateDevices(config);
  validateContainerResources(config.linux?.resources, "config.linux.resources");
  const context = config.linux?.securityContext;
  if (context === undefined) return;
  const path = "config.linux.security_context";
  validateNamespaceOptions(context.namespaceOptions, `${path}.namespace_options`, false);
  validateUser(context, path);
  validateCapabilities(context.capabilities, `${path}.capabilities`);
  validateSelinux(context.selinuxOptions, `${path}.selinux_options`);
  for (const [name, list] of [
    ["masked_paths", context.maskedPaths],
    ["readonly_paths", context.readonlyPaths],
  ] as const) {
    for (const [index, entry] of list.entries()) {
      validateAbsolutePath(entry, `${path}.${name}[${index}]`);
    }
  }
}

/** What CRI knows. */
const mountOptions = ["noexec", "nodev", "nosuid"];

function validateMounts(mounts: readonly Mount[]): void {
  const targets = new Set<string>();
  for (const [index, mount] of mounts.entries()) {
    const field = `config.mounts[${index}]`;
    validateAbsolutePath(mount.containerPath, `${field}.container_path`);
    const target = cleanPath(mount.containerPath);
    if (target === "/") refuse(`${field}.container_path`, "must not be the root directory");
    if (targets.has(target)) {
      refuse(`${field}.container_path`, `${JSON.stringify(target)} is mounted twice`);
    }
    targets.add(target);
    if (MountPropagation[mount.propagation] === undefined) {
      refuse(`${field}.propagation`, `unknown value ${mount.propagation}`);
    }
    for (const [name, other] of [
      ["uidMappings", "gidMappings"],
      ["gidMappings", "uidMappings"],
    ] as const) {
      validateMappings(mount[name], `${field}.${name}`);
      if (mount[name].length === 0 && mount[other].length > 0) {
        refuse(`${field}.${name}`, `must be given with ${other}`);
      }
    }
    for (const option of mount.mountOptions) {
      if (mountOptions.includes(option)) continue;
      const reason = `${JSON.stringify(option)} is none of ${mountOptions.join(", ")}`;
      refuse(`${field}.mount_options`, reason);
    }
    if (mount.image !== undefined && mount.image.image !== "") validateImageMount(mount, field);
    else validateHostMount(mount, field);
  }
}

function validateImageMount(mount: Mount, field: string): void {
  if (mount.hostPath !== "") refuse(`${field}.host_path`, "must be empty for an image mount");
  // Nobody may write to an image, and a mount that silently is not what was asked for is worse.
  if (!mount.readonly) refuse(`${field}.readonly`, "must be true for an image mount");
  validateRelativePath(mount.imageSubPath, `${field}.image_sub_path`);
}

function validateHostMount(mount: Mount, field: string): void {
  validateAbsolutePath(mount.hostPath, `${field}.host_path`);
  if (mount.imageSubPath !== "") refuse(`${field}.image_sub_path`, "needs an image");
  if (!mount.recursiveReadOnly) return;
  if (!mount.readonly) refuse(`${field}.recursive_read_only`, "needs readonly");
  if (mount.propagation !== MountPropagation.PROPAGATION_PRIVATE) {
    refuse(`${field}.recursive_read_only`, "needs PROPAGATION_PRIVATE");
  }
}

function validateDevices(config: ContainerConfig): void {
  for (const [index, device] of config.devices.entries()) {
    const field = `config.devices[${index}]`;
    validateAbsolutePath(device.hostPath, `${field}.host_path`);
    if (device.containerPath !== "") {
      validateAbsolutePath(device.containerPath, `${field}.container_path`);
    }
    if (!/^(?!.*(.).*\1)[rwm]*$/.test(device.permissions)) {
      refuse(
        `${field}.permissions`,
        `${JSON.stringify(device.permissions)} may have each of r, w and m once`,
      );
    }
  }
  for (const [index, { name }] of config.CDIDevices.entries()) {
    if (/^[A-Za-z][\w.-]*\/[A-Za-z][\w.-]*=[A-Za-z0-9][\w.:-]*$/.test(name)) continue;
    const reason = `${JSON.stringify(name)} is not of the form vendor/class=device`;
    refuse(`config.CDI_devices[${index}].name`, reason);
  }
}
