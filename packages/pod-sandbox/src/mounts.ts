import { type Mount, MountPropagation } from "@dockershim/cri-types";
import type { BindOptions, HostConfig, MountSpec } from "./docker-create.js";
import { apiAtLeast, type EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** An image on this engine that is to be mounted. */
export interface MountedImage {
  /** Docker's image id, `sha256:…`. */
  id: string;
  /** Digested reference, reported as `image_ref`; the id where there is none. */
  ref: string;
}

/** What planning mounts needs besides the mounts. */
export interface MountContext {
  engine: EngineFacts;
  /** `Mount.image.image` as asked → the image on this engine. */
  images: ReadonlyMap<string, MountedImage>;
  /** `Mount.host_path` as asked → real path, where the server followed a symbolic link. */
  hostPaths: ReadonlyMap<string, string>;
}

const propagations = {
  [MountPropagation.PROPAGATION_PRIVATE]: "rprivate",
  [MountPropagation.PROPAGATION_HOST_TO_CONTAINER]: "rslave",
  [MountPropagation.PROPAGATION_BIDIRECTIONAL]: "rshared",
} as const;

/** Docker's name of a CRI propagation. */
export function toDockerPropagation(
  propagation: MountPropagation,
): NonNullable<BindOptions["Propagation"]> {
  return propagations[propagation];
}

/** CRI's propagation of what Docker's inspect reports; private for anything it does not know. */
export function fromDockerPropagation(text: string | undefined): MountPropagation {
  if (text === "rshared" || text === "shared") return MountPropagation.PROPAGATION_BIDIRECTIONAL;
  if (text === "rslave" || text === "slave") return MountPropagation.PROPAGATION_HOST_TO_CONTAINER;
  return MountPropagation.PROPAGATION_PRIVATE;
}

/**
 * Docker's `Mounts` and `Binds`. `Mounts` serve everything but SELinux relabelling, which only
 * the older `Binds` know.
 *
 * @throws PodSandboxError naming the mount, e.g. where the engine is too old for it
 */
export function planMounts(
  mounts: readonly Mount[],
  context: MountContext,
): Pick<HostConfig, "Mounts" | "Binds"> {
  const specs: MountSpec[] = [];
  const binds: string[] = [];
  for (const [index, mount] of mounts.entries()) {
    const field = `config.mounts[${index}]`;
    if (mount.image !== undefined && mount.image.image !== "") {
      specs.push(imageMount(mount, mount.image.image, context, field));
    } else if (mount.selinuxRelabel && context.engine.selinux) {
      binds.push(relabelledBind(mount, context, field));
    } else {
      specs.push(bindMount(mount, context, field));
    }
  }
  return {
    ...(specs.length > 0 ? { Mounts: specs } : {}),
    ...(binds.length > 0 ? { Binds: binds } : {}),
  };
}

function bindMount(mount: Mount, context: MountContext, field: string): MountSpec {
  const options: BindOptions = { ...askedPropagation(mount.propagation) };
  if (mount.recursiveReadOnly) {
    refuseOldRecursion(context.engine, field);
    // The engine wants both said together.
    options.Propagation = "rprivate";
    options.ReadOnlyForceRecursive = true;
  } else if (mount.readonly && apiAtLeast(context.engine.apiVersion, "1.44")) {
    // From this version on Docker's read-only descends into submounts where it can, which CRI's
    // does not; below it never does.
    options.ReadOnlyNonRecursive = true;
  }
  return {
    Type: "bind",
    Source: hostPath(mount, context),
    Target: mount.containerPath,
    ...(mount.readonly ? { ReadOnly: true } : {}),
    ...(Object.keys(options).length > 0 ? { BindOptions: options } : {}),
  };
}

/**
 * Private is what the engine does by itself, except for a folder that holds its data root (`/`,
 * `/var`): such a mount it makes a slave, so that it does not keep other containers' mounts alive,
 * and it refuses an explicit `rprivate`.
 */
function askedPropagation(propagation: MountPropagation): Pick<BindOptions, "Propagation"> {
  if (propagation === MountPropagation.PROPAGATION_PRIVATE) return {};
  return { Propagation: toDockerPropagation(propagation) };
}

function relabelledBind(mount: Mount, context: MountContext, field: string): string {
  const source = hostPath(mount, context);
  for (const path of [source, mount.containerPath]) {
    if (!path.includes(":")) continue;
    const reason = `Docker cannot relabel ${JSON.stringify(path)}: its syntax splits at the colon`;
    throw new PodSandboxError("unimplemented", `${field}.selinux_relabel`, reason);
  }
  // Docker has no way to force or forbid recursion here: from API 1.44 on it does where it can.
  if (mount.recursiveReadOnly) refuseOldRecursion(context.engine, field);
  const mode = [
    ...(mount.readonly ? ["ro"] : []),
    // Private to the label of the pod, which its containers share through the sandbox's IPC.
    "Z",
    ...Object.values(askedPropagation(mount.propagation)),
  ];
  return `${source}:${mount.containerPath}:${mode.join(",")}`;
}

function imageMount(mount: Mount, image: string, context: MountContext, field: string): MountSpec {
  const { engine } = context;
  if (!apiAtLeast(engine.apiVersion, "1.48")) {
    const reason = `image volumes need Docker 28 (API 1.48); this engine speaks API ${engine.apiVersion}`;
    throw new PodSandboxError("unimplemented", `${field}.image`, reason);
  }
  const found = context.images.get(image);
  if (found === undefined) {
    const reason = `image ${JSON.stringify(image)} is not on this node`;
    throw new PodSandboxError("failed_precondition", `${field}.image`, reason);
  }
  return {
    Type: "image",
    Source: found.id,
    Target: mount.containerPath,
    ReadOnly: true,
    ...(mount.imageSubPath !== "" ? { ImageOptions: { Subpath: mount.imageSubPath } } : {}),
  };
}

function hostPath(mount: Mount, context: MountContext): string {
  return context.hostPaths.get(mount.hostPath) ?? mount.hostPath;
}

function refuseOldRecursion(engine: EngineFacts, field: string): void {
  const path = `${field}.recursive_read_only`;
  if (!apiAtLeast(engine.apiVersion, "1.44")) {
    const reason = `needs Docker 25 (API 1.44); this engine speaks API ${engine.apiVersion}`;
    throw new PodSandboxError("unimplemented", path, reason);
  }
  if (engine.recursiveReadOnly === false) {
    const reason = "the node's kernel or OCI runtime cannot make mounts recursively read-only";
    throw new PodSandboxError("unimplemented", path, reason);
  }
}
