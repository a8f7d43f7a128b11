/**
 * The part of NRI's ContainerAdjustment that this package reads; see api.proto of `@dockershim/nri`,
 * whose messages fit. A key, path or type with "-" before it stands for what is to be removed.
 */
export interface NriAdjustment {
  readonly annotations: Readonly<Record<string, string>>;
  readonly mounts: readonly NriMount[];
  readonly env: readonly { readonly key: string; readonly value: string }[];
  /** All arguments of the process; empty where they stay. */
  readonly args: readonly string[];
  readonly hooks?: NriHooks | undefined;
  readonly rlimits: readonly NriRlimit[];
  readonly CDIDevices: readonly { readonly name: string }[];
  readonly linux?: NriLinuxAdjustment | undefined;
}

/** A mount that a plugin adds: NRI's `Mount`. */
export interface NriMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** OCI hooks by the moment at which they run. */
export type NriHooks = {
  readonly [Moment in
    | "prestart"
    | "createRuntime"
    | "createContainer"
    | "startContainer"
    | "poststart"
    | "poststop"]: readonly NriHook[];
};

export interface NriHook {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeout?: NriOptional<bigint>;
}

export interface NriRlimit {
  /** Such as RLIMIT_NOFILE. */
  readonly type: string;
  readonly hard: bigint;
  readonly soft: bigint;
}

/** A value that may be absent, which its zero is not. */
export type NriOptional<Value> = { readonly value: Value } | undefined;

export interface NriLinuxAdjustment {
  readonly devices: readonly NriDevice[];
  readonly resources?: NriResources | undefined;
  readonly cgroupsPath: string;
  readonly oomScoreAdj?: NriOptional<bigint>;
  readonly ioPriority?: { readonly class: number; readonly priority: number } | undefined;
  readonly seccompPolicy?: NriSeccomp | undefined;
  readonly namespaces: readonly { readonly type: string; readonly path: string }[];
  readonly sysctl: Readonly<Record<string, string>>;
  readonly netDevices: Readonly<Record<string, { readonly name: string } | undefined>>;
  readonly scheduler?: NriScheduler | undefined;
  readonly rdt?:
    | {
        readonly closId?: NriOptional<string>;
        readonly schemata?: NriOptional<readonly string[]>;
        readonly enableMonitoring?: NriOptional<boolean>;
      }
    | undefined;
  readonly memoryPolicy?: NriMemoryPolicy | undefined;
}

/** A device that a plugin adds: NRI's `LinuxDevice`. */
export interface NriDevice {
  readonly path: string;
  /** `c` or `b`. */
  readonly type: string;
  readonly major: bigint;
  readonly minor: bigint;
  readonly fileMode?: NriOptional<number>;
  readonly uid?: NriOptional<number>;
  readonly gid?: NriOptional<number>;
}

/** Mode and flags are NRI's numbers for those of set_mempolicy(2). */
export interface NriMemoryPolicy {
  readonly mode: number;
  /** Such as `0-1,3`. */
  readonly nodes: string;
  readonly flags: readonly number[];
}

export interface NriScheduler {
  readonly policy: number;
  readonly nice: number;
  readonly priority: number;
  readonly flags: readonly number[];
  readonly runtime: bigint;
  readonly deadline: bigint;
  readonly period: bigint;
}

export interface NriSeccomp {
  readonly defaultAction: string;
  readonly defaultErrno?: NriOptional<number>;
  readonly architectures: readonly string[];
  readonly flags: readonly string[];
  readonly listenerPath: string;
  readonly listenerMetadata: string;
  readonly syscalls: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: NriOptional<number>;
    readonly args: readonly {
      readonly index: number;
      readonly value: bigint;
      readonly valueTwo: bigint;
      readonly op: string;
    }[];
  }[];
}

/** Limits; what is absent stays as it is. */
export interface NriResources {
  readonly memory?:
    | {
        readonly limit?: NriOptional<bigint>;
        readonly reservation?: NriOptional<bigint>;
        /** Memory and swap together. */
        readonly swap?: NriOptional<bigint>;
        readonly kernel?: NriOptional<bigint>;
        readonly kernelTcp?: NriOptional<bigint>;
        readonly swappiness?: NriOptional<bigint>;
        readonly disableOomKiller?: NriOptional<boolean>;
        readonly useHierarchy?: NriOptional<boolean>;
      }
    | undefined;
  readonly cpu?:
    | {
        readonly shares?: NriOptional<bigint>;
        readonly quota?: NriOptional<bigint>;
        readonly period?: NriOptional<bigint>;
        readonly realtimeRuntime?: NriOptional<bigint>;
        readonly realtimePeriod?: NriOptional<bigint>;
        readonly cpus: string;
        readonly mems: string;
      }
    | undefined;
  readonly hugepageLimits: readonly { readonly pageSize: string; readonly limit: bigint }[];
  readonly blockioClass?: NriOptional<string>;
  readonly rdtClass?: NriOptional<string>;
  readonly unified: Readonly<Record<string, string>>;
  readonly devices: readonly NriDeviceRule[];
  readonly pids?: { readonly limit: bigint } | undefined;
}

/** A rule of the device controller. */
export interface NriDeviceRule {
  readonly allow: boolean;
  readonly type: string;
  readonly major?: NriOptional<bigint>;
  readonly minor?: NriOptional<bigint>;
  readonly access: string;
}
