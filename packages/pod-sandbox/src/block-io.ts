import type { HostConfig } from "./docker-create.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** What a block-I/O class says of some devices, or with a weight alone of all. */
export interface BlockIoRule {
  /** Absolute paths, in which `*` and `?` stand for any characters but `/`. */
  readonly devices?: readonly string[] | undefined;
  /** 10 to 1000. */
  readonly weight?: number | undefined;
  /** Bytes a second. */
  readonly readBps?: number | undefined;
  readonly writeBps?: number | undefined;
  /** Operations a second. */
  readonly readIops?: number | undefined;
  readonly writeIops?: number | undefined;
}

/** Classes by name; of rules that are about one device, the last one holds. */
export type BlockIoClasses = ReadonlyMap<string, readonly BlockIoRule[]>;

/** Docker's block-I/O options. */
export type BlockIoFields = Pick<
  HostConfig,
  | "BlkioWeight"
  | "BlkioWeightDevice"
  | "BlkioDeviceReadBps"
  | "BlkioDeviceWriteBps"
  | "BlkioDeviceReadIOps"
  | "BlkioDeviceWriteIOps"
>;

const quantities = {
  Weight: "weight",
  ThrottleReadBps: "readBps",
  ThrottleWriteBps: "writeBps",
  ThrottleReadIOPS: "readIops",
  ThrottleWriteIOPS: "writeIops",
} as const;

/**
 * Reads classes as containerd and CRI-O do from the file that their `blockio_config_file` names.
 *
 * @param config The content of the file, parsed.
 * @throws PodSandboxError `invalid_argument` naming the key that is wrong
 */
export function parseBlockIoClasses(config: unknown): BlockIoClasses {
  const { Classes: classes = {}, ...others } = objectAt(config ?? {}, "the file");
  refuseUnknown(others, "the file");
  const entries = Object.entries(objectAt(classes, "Classes")).map(([name, rules]) => {
    const path = `Classes.${name}`;
    if (!Array.isArray(rules)) wrong(path, "is no list");
    return [name, rules.map((rule, index) => parseRule(rule, `${path}[${index}]`))] as const;
  });
  return new Map(entries);
}

function parseRule(value: unknown, path: string): BlockIoRule {
  const { Devices: devices, ...others } = objectAt(value, path);
  const rule: { -readonly [Key in keyof BlockIoRule]: BlockIoRule[Key] } = {};
  for (const [key, name] of Object.entries(quantities)) {
    const given = others[key];
    delete others[key];
    if (given === undefined || given === "") continue;
    rule[name] = parseQuantity(given, `${path}.${key}`);
  }
  refuseUnknown(others, path);
  const { weight, ...throttles } = rule;
  if (weight !== undefined && (weight < 10 || weight > 1000)) {
    wrong(`${path}.Weight`, `is not from 10 to 1000: ${weight}`);
  }
  if (devices === undefined || devices === null) {
    if (Object.keys(throttles).length > 0) wrong(path, "throttles, and names no Devices");
    return rule;
  }
  const arePaths = (all: unknown): all is string[] =>
    Array.isArray(all) && all.every((each) => typeof each === "string" && each.startsWith("/"));
  if (!arePaths(devices)) wrong(`${path}.Devices`, "is no list of absolute paths");
  return { ...rule, devices };
}

const scales: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A quantity as Kubernetes writes it, such as `60M`; a part of one counts as one. */
function parseQuantity(value: unknown, path: string): number {
  const [, number, suffix = ""] = /^(\d+(?:\.\d*)?|\.\d+)([kMGT]|[KMGT]i)?$/.exec(`${value}`) ?? [];
  const quantity = Math.ceil(Number(number) * (scales[suffix] ?? Number.NaN));
  if (!Number.isSafeInteger(quantity)) wrong(path, `is no quantity such as 60M: ${value}`);
  return quantity;
}

function objectAt(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  return wrong(path, "is no object");
}

function refuseUnknown(others: object, path: string): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) wrong(path, `has the unknown key ${JSON.stringify(unknown)}`);
}

function wrong(path: string, reason: string): never {
  throw new PodSandboxError("invalid_argument", path, reason);
}

/**
 * A class in Docker's words.
 *
 * @param devicesOf The block devices that each pattern stands for on this node.
 */
export function toBlockIoFields(
  rules: readonly BlockIoRule[],
  devicesOf: ReadonlyMap<string, readonly string[]>,
): BlockIoFields {
  let weight: number | undefined;
  const perDevice = {
    weight: new Map<string, number>(),
    readBps: new Map<string, number>(),
    writeBps: new Map<string, number>(),
    readIops: new Map<string, number>(),
    writeIops: new Map<string, number>(),
  };
  for (const rule of rules) {
    if (rule.devices === undefined) weight = rule.weight ?? weight;
    for (const device of (rule.devices ?? []).flatMap((each) => devicesOf.get(each) ?? [])) {
      for (const [name, values] of Object.entries(perDevice)) {
        const value = rule[name as keyof typeof perDevice];
        if (value !== undefined) values.set(device, value);
      }
    }
  }
  const rates = (of: ReadonlyMap<string, number>) =>
    [...of].map(([Path, Rate]) => ({ Path, Rate }));
  const fields = {
    BlkioWeightDevice: [...perDevice.weight].map(([Path, Weight]) => ({ Path, Weight })),
    BlkioDeviceReadBps: rates(perDevice.readBps),
    BlkioDeviceWriteBps: rates(perDevice.writeBps),
    BlkioDeviceReadIOps: rates(perDevice.readIops),
    BlkioDeviceWriteIOps: rates(perDevice.writeIops),
  };
  return {
    ...(weight === undefined ? {} : { BlkioWeight: weight }),
    ...Object.fromEntries(Object.entries(fields).filter(([, entries]) => entries.length > 0)),
  };
}
