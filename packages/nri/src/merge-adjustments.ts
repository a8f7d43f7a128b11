import { clone, create } from "@bufbuild/protobuf";
import type { Owners } from "./field-owners.js";
import {
  type Container,
  type ContainerAdjustment,
  ContainerAdjustmentSchema,
  Field,
  HooksSchema,
  LinuxContainerAdjustmentSchema,
  LinuxContainerSchema,
  LinuxRdtSchema,
  LinuxResourcesSchema,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
import { mergeResources } from "./merge-resources.js";

/** Marks the key of what is to be removed. */
const removal = "-";

/** What several plugins want of a container that is about to be created. */
export interface Adjustments {
  /**
   * Adds what the next plugin wants.
   *
   * @throws NriError `conflict` when it sets what another one has set.
   */
  merge(wanted: ContainerAdjustment, plugin: string): void;
  /** The container as the next plugin is shown it: with what was asked for so far. */
  readonly container: Container;
  /** All that was asked for. A key with "-" before it stands for what is to be removed. */
  readonly collected: ContainerAdjustment;
}

/** @param container Changed: it gets what is asked for. */
export function collectAdjustments(container: Container, owners: Owners): Adjustments {
  const collected = create(ContainerAdjustmentSchema);
  container.linux ??= create(LinuxContainerSchema);
  container.hooks ??= create(HooksSchema);
  const { id, linux: view, hooks: viewHooks } = container;
  const viewResources = view.resources ?? create(LinuxResourcesSchema);
  view.resources = viewResources;

  /** Merges entries that have a key, of which a plugin can add, replace and remove some. */
  function mergeKeyed<Entry>(
    field: Field,
    plugin: string,
    wanted: readonly Entry[],
    keyOf: (entry: Entry) => string,
    stored: Entry[],
  ): { removed: Set<string>; added: Entry[] } {
    const removals = wanted.filter((entry) => keyOf(entry).startsWith(removal));
    const added = wanted.filter((entry) => !keyOf(entry).startsWith(removal));
    const removed = new Set(removals.map((entry) => keyOf(entry).slice(removal.length)));
    for (const key of removed) owners.clear(id, field, plugin, key);
    for (const entry of added) owners.claim(id, field, plugin, keyOf(entry));
    const kept = stored.filter((entry) => !removed.has(keyOf(entry)));
    stored.splice(0, stored.length, ...kept, ...removals, ...added);
    return { removed, added };
  }

  /** The same of entries in a map. */
  function mergeMap<Value>(
    field: Field,
    plugin: string,
    wanted: Readonly<Record<string, Value>>,
    stored: Record<string, Value>,
    viewed: Record<string, Value>,
  ): void {
    const entries = Object.entries(stored);
    const keyOf = ([key]: [string, Value]) => key;
    const { removed, added } = mergeKeyed(field, plugin, Object.entries(wanted), keyOf, entries);
    for (const key of Object.keys(stored)) delete stored[key];
    Object.assign(stored, Object.fromEntries(entries));
    for (const key of removed) delete viewed[key];
    Object.assign(viewed, Object.fromEntries(added));
  }

  /** A list without what is removed or replaced, and with what is added. */
  function replaced<Entry>(
    viewed: readonly Entry[],
    keyOf: (entry: Entry) => string,
    { removed, added }: { removed: Set<string>; added: readonly Entry[] },
  ): Entry[] {
    const gone = new Set([...removed, ...added.map(keyOf)]);
    return [...viewed.filter((entry) => !gone.has(keyOf(entry))), ...added];
  }

  function mergeEnv({ env }: ContainerAdjustment, plugin: string): void {
    const changes = mergeKeyed(Field.Env, plugin, env, ({ key }) => key, collected.env);
    container.env = replaced(container.env, (line) => line.split("=", 1)[0] ?? "", {
      removed: changes.removed,
      added: changes.added.map(({ key, value }) => `${key}=${value}`),
    });
  }

  function mergeArgs({ args }: ContainerAdjustment, plugin: string): void {
    if (args.length === 0) return;
    // An empty first one takes them over from an earlier plugin.
    if (args[0] === "") owners.clear(id, Field.Args, plugin);
    owners.claim(id, Field.Args, plugin);
    collected.args = args[0] === "" ? args.slice(1) : args;
    container.args = [...collected.args];
  }

  function mergeHooks({ hooks }: ContainerAdjustment, plugin: string): void {
    if (hooks === undefined) return;
    collected.hooks ??= create(HooksSchema);
    let some = false;
    const moments = [
      "prestart",
      "createRuntime",
      "createContainer",
      "startContainer",
      "poststart",
      "poststop",
    ] as const;
    for (const moment of moments) {
      some ||= hooks[moment].length > 0;
      collected.hooks[moment].push(...hooks[moment]);
      viewHooks[moment].push(...hooks[moment]);
    }
    if (some) owners.share(id, Field.OciHooks, plugin);
  }

  function mergeLinux({ linux }: ContainerAdjustment, plugin: string): void {
    if (linux === undefined) return;
    collected.linux ??= create(LinuxContainerAdjustmentSchema);
    const into = collected.linux;
    const pathOf = ({ path }: { readonly path: string }) => path;
    const devices = mergeKeyed(Field.Devices, plugin, linux.devices, pathOf, into.devices);
    view.devices = replaced(view.devices, pathOf, devices);
    if (linux.resources !== undefined) {
      into.resources ??= create(LinuxResourcesSchema);
      mergeResources(linux.resources, [into.resources, viewResources], owners, id, plugin);
    }
    if (linux.cgroupsPath !== "") {
      owners.claim(id, Field.CgroupsPath, plugin);
      into.cgroupsPath = linux.cgroupsPath;
      view.cgroupsPath = linux.cgroupsPath;
    }
    for (const [key, field] of [
      ["oomScoreAdj", Field.OomScoreAdj],
      ["ioPriority", Field.IoPriority],
      ["seccompPolicy", Field.SeccompPolicy],
      ["scheduler", Field.LinuxSched],
    ] as const) {
      if (linux[key] === undefined) continue;
      owners.claim(id, field, plugin);
      Object.assign(into, { [key]: linux[key] });
      Object.assign(view, { [key]: linux[key] });
    }
    if (linux.memoryPolicy !== undefined) {
      owners.claim(id, Field.MemoryPolicy, plugin);
      into.memoryPolicy = linux.memoryPolicy;
    }
    const typeOf = ({ type }: { readonly type: string }) => type;
    for (const { type } of linux.namespaces) {
      owners.claim(id, Field.Namespace, plugin, type.replace(/^-/, ""));
    }
    into.namespaces.push(...linux.namespaces);
    view.namespaces = replaced(view.namespaces, typeOf, {
      removed: new Set(linux.namespaces.map(({ type }) => type.replace(/^-/, ""))),
      added: linux.namespaces.filter(({ type }) => !type.startsWith(removal)),
    });
    mergeMap(Field.Sysctl, plugin, linux.sysctl, into.sysctl, view.sysctl);
    mergeMap(Field.LinuxNetDevices, plugin, linux.netDevices, into.netDevices, view.netDevices);
    mergeRdt(linux, plugin);
  }

  function mergeRdt({ rdt }: NonNullable<ContainerAdjustment["linux"]>, plugin: string): void {
    if (rdt === undefined) return;
    const fields = [
      ["closId", Field.RdtClosID],
      ["schemata", Field.RdtSchemata],
      ["enableMonitoring", Field.RdtEnableMonitoring],
    ] as const;
    const linux = collected.linux ?? create(LinuxContainerAdjustmentSchema);
    if (rdt.remove) {
      for (const [, field] of fields) owners.clear(id, field, plugin);
      linux.rdt = create(LinuxRdtSchema, { remove: true });
    }
    linux.rdt ??= create(LinuxRdtSchema);
    for (const [key, field] of fields) {
      if (rdt[key] === undefined) continue;
      owners.claim(id, field, plugin);
      Object.assign(linux.rdt, { [key]: rdt[key], remove: false });
    }
    view.rdt = linux.rdt;
  }

  return {
    container,
    collected,
    merge(asked, plugin) {
      const wanted = clone(ContainerAdjustmentSchema, asked);
      mergeMap(
        Field.Annotations,
        plugin,
        wanted.annotations,
        collected.annotations,
        container.annotations,
      );
      const destinationOf = ({ destination }: { readonly destination: string }) => destination;
      const mounts = mergeKeyed(
        Field.Mounts,
        plugin,
        wanted.mounts,
        destinationOf,
        collected.mounts,
      );
      container.mounts = replaced(container.mounts, destinationOf, mounts);
      mergeEnv(wanted, plugin);
      mergeArgs(wanted, plugin);
      mergeHooks(wanted, plugin);
      mergeLinux(wanted, plugin);
      for (const { type } of wanted.rlimits) owners.claim(id, Field.Rlimits, plugin, type);
      collected.rlimits.push(...wanted.rlimits);
      container.rlimits = replaced(container.rlimits, ({ type }) => type, {
        removed: new Set(),
        added: wanted.rlimits,
      });
      for (const { name } of wanted.CDIDevices) owners.claim(id, Field.CdiDevices, plugin, name);
      collected.CDIDevices.push(...wanted.CDIDevices);
    },
  };
}
