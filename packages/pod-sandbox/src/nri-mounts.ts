import type { BindOptions, HostConfig, MountSpec } from "./docker-create.js";
import { apiAtLeast, type EngineFacts } from "./engine-facts.js";
import type { NriMount } from "./nri-adjustment.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

const propagations: Readonly<Record<string, NonNullable<BindOptions["Propagation"]>>> = {
  private: "private",
  rprivate: "rprivate",
  slave: "slave",
  rslave: "rslave",
  shared: "shared",
  rshared: "rshared",
};

/**
 * The mounts of a create body with those that plugins add, replace and remove, each by its
 * destination.
 *
 * @throws PodSandboxError naming the mount that Docker's API cannot carry
 */
export function adjustMounts(
  host: Pick<HostConfig, "Mounts" | "Binds" | "Tmpfs">,
  wanted: readonly NriMount[],
  engine: EngineFacts,
  field: string,
): Pick<HostConfig, "Mounts" | "Binds" | "Tmpfs"> {
  if (wanted.length === 0) return {};
  const gone = new Set(wanted.map(({ destination }) => destination.replace(/^-/, "")));
  const added = wanted.filter(({ destination }) => !destination.startsWith("-"));
  const mounts = (host.Mounts ?? []).filter(({ Target }) => !gone.has(Target));
  const binds = (host.Binds ?? []).filter((bind) => !gone.has(bind.split(":")[1] ?? ""));
  const tmpfs = new Map(Object.entries(host.Tmpfs ?? {}));
  for (const destination of gone) tmpfs.delete(destination);
  for (const mount of added) {
    const name = `${field}[${mount.destination}]`;
    if (mount.type === "tmpfs") tmpfs.set(mount.destination, mount.options.join(","));
    else mounts.push(toBind(mount, engine, name));
  }
  return {
    ...(mounts.length > 0 || host.Mounts ? { Mounts: mounts } : {}),
    ...(host.Binds ? { Binds: binds } : {}),
    ...(tmpfs.size > 0 || host.Tmpfs ? { Tmpfs: Object.fromEntries(tmpfs) } : {}),
  };
}

function refuseOption(option: string, field: string): never {
  throw new PodSandboxError("unimplemented", field, `Docker's API has no field for "${option}"`);
}

function toBind(mount: NriMount, engine: EngineFacts, field: string): MountSpec {
  const { type, source, destination } = mount;
  const isBind = mount.options.includes("bind") || mount.options.includes("rbind");
  if (type !== "bind" && !((type === "" || type === "none") && isBind)) {
    throw new PodSandboxError("unimplemented", `${field}.type`, `Docker cannot mount a "${type}"`);
  }
  const options: BindOptions = {};
  let readonly = false;
  for (const option of mount.options) {
    const propagation = Object.hasOwn(propagations, option) ? propagations[option] : undefined;
    if (propagation !== undefined) options.Propagation = propagation;
    else if (option === "bind") options.NonRecursive = true;
    else if (option === "ro") readonly = true;
    else if (option !== "rbind" && option !== "rw") refuseOption(option, `${field}.options`);
  }
  if (mount.options.includes("rbind")) delete options.NonRecursive;
  // By itself Docker's read-only descends into submounts from this version on; OCI's does not.
  if (readonly && apiAtLeast(engine.apiVersion, "1.44")) options.ReadOnlyNonRecursive = true;
  return {
    Type: "bind",
    Source: source,
    Target: destination,
    ...(readonly ? { ReadOnly: true } : {}),
    ...(Object.keys(options).length > 0 ? { BindOptions: options } : {}),
  };
}
