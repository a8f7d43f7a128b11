import type { ContainerConfig, PodSandboxConfig } from "@dockershim/cri-types";
import { type BlockIoClasses, type BlockIoFields, toBlockIoFields } from "./block-io.js";
import type { EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import type { SpecPatch } from "./spec-patch.js";
import { specHookOf } from "./spec-patch-plan.js";

/** A class of resources that a container is to be of. */
export interface AskedClass {
  /** Empty for none. */
  readonly name: string;
  /** Who asks for it, for errors. */
  readonly field: string;
}

/** The classes that a container is to be of; what is left out nobody asked for. */
export interface AskedClasses {
  readonly blockIo?: AskedClass | undefined;
  readonly rdt?: AskedClass | undefined;
}

/** The classes of a node. */
export interface NodeClasses {
  readonly blockIo:
    | {
        readonly classes: BlockIoClasses;
        /** The block devices that each pattern in them stands for. */
        readonly devicesOf: ReadonlyMap<string, readonly string[]>;
      }
    | { readonly problem: string };
  /** Groups of the kernel's resctrl file system. */
  readonly rdt: { readonly classes: readonly string[] } | { readonly problem: string };
}

const annotations = {
  blockIo: {
    container: "io.kubernetes.cri.blockio-class",
    pod: "blockio.resources.beta.kubernetes.io",
  },
  rdt: { container: "io.kubernetes.cri.rdt-class", pod: "rdt.resources.beta.kubernetes.io" },
} as const;

/**
 * The classes that annotations name, as containerd and CRI-O read them: the container's own annotation, then the pod's
 * for that container, then the pod's for all.
 */
export function annotatedClasses(
  { metadata, annotations: own }: Pick<ContainerConfig, "metadata" | "annotations">,
  { annotations: ofPod }: Pick<PodSandboxConfig, "annotations">,
): AskedClasses {
  const classOf = (kind: keyof typeof annotations): AskedClass | undefined => {
    const { container, pod } = annotations[kind];
    for (const [from, root, key] of [
      [own, "config", container],
      [ofPod, "sandbox_config", `${pod}/container.${metadata?.name}`],
      [ofPod, "sandbox_config", `${pod}/pod`],
    ] as const) {
      const name = from[key];
      if (name !== undefined) return { name, field: `${root}.annotations[${key}]` };
    }
    return undefined;
  };
  return { blockIo: classOf("blockIo"), rdt: classOf("rdt") };
}

/** Whether there is a class to be looked up at all. */
export function wantsClass({ blockIo, rdt }: AskedClasses): boolean {
  return (blockIo?.name ?? "") !== "" || (rdt?.name ?? "") !== "";
}

/** What classes come to. */
export interface PlannedClasses {
  readonly fields: BlockIoFields;
  readonly specPatch?: SpecPatch;
}

/**
 * Plans what makes a container one of its classes: Docker's own options for block I/O, the OCI spec for RDT.
 *
 * @throws PodSandboxError naming who asks, for a class that the node does not have; `unimplemented` for one of RDT
 * where there is no spec hook
 */
export function planClasses(
  { blockIo, rdt }: AskedClasses,
  node: NodeClasses | undefined,
  runtimeHandler: string,
  engine: EngineFacts,
): PlannedClasses {
  return {
    fields: blockIo === undefined || blockIo.name === "" ? {} : blockIoFields(blockIo, node),
    ...(rdt === undefined || rdt.name === ""
      ? {}
      : { specPatch: rdtPatch(rdt, node, runtimeHandler, engine) }),
  };
}

function blockIoFields({ name, field }: AskedClass, node: NodeClasses | undefined): BlockIoFields {
  const { blockIo } = node ?? { blockIo: { problem: "nobody looked" } };
  if ("problem" in blockIo) refuse(field, `there are no block-I/O classes: ${blockIo.problem}`);
  const rules = blockIo.classes.get(name);
  if (rules === undefined) refuse(field, unknown("block-I/O", name, [...blockIo.classes.keys()]));
  return toBlockIoFields(rules, blockIo.devicesOf);
}

function rdtPatch(
  { name, field }: AskedClass,
  node: NodeClasses | undefined,
  runtimeHandler: string,
  engine: EngineFacts,
): SpecPatch {
  requireRdt(node, field);
  const { rdt } = node;
  if (!rdt.classes.includes(name)) refuse(field, unknown("RDT", name, rdt.classes));
  const hook = specHookOf(runtimeHandler, engine);
  if ("problem" in hook) {
    const reason = `Docker's API has no field for it, and there is no spec hook: ${hook.problem}`;
    throw new PodSandboxError("unimplemented", field, reason);
  }
  return { merge: { linux: { intelRdt: { closID: name } } } };
}

/** @throws PodSandboxError `failed_precondition` on a node that cannot divide its caches and memory bandwidth */
export function requireRdt(
  node: NodeClasses | undefined,
  field: string,
): asserts node is NodeClasses & { rdt: { classes: readonly string[] } } {
  const { rdt } = node ?? { rdt: { problem: "nobody looked" } };
  if ("problem" in rdt) refuse(field, `the node has no RDT: ${rdt.problem}`);
}

function unknown(kind: string, name: string, known: readonly string[]): string {
  const others = known.length === 0 ? "none" : known.join(", ");
  return `the node has no ${kind} class ${JSON.stringify(name)}; it has ${others}`;
}

function refuse(field: string, reason: string): never {
  throw new PodSandboxError("failed_precondition", field, reason);
}
