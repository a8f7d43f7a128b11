import type { EngineInfo, EngineVersion } from "@dockershim/docker-client";
import type { ShimOptions } from "@dockershim/shim-server/options";
import type { SpecFacts } from "@dockershim/shim-server/spec-facts";
import type { KubeletFacts } from "../node/read-kubelet.js";
import type { RuntimeAnswer } from "../node/read-runtime.js";

/** The socket that the daemon serves on, or is going to. */
export interface SocketFacts {
  readonly path: string;
  readonly kind: "missing" | "socket" | "other";
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
}

export interface DaemonFacts {
  readonly options: ShimOptions;
  /** Where the options are from, for people. */
  readonly optionsFrom: string;
  /** What is wrong with them, a line each. */
  readonly optionProblems: readonly string[];
  readonly socket: SocketFacts;
  readonly rootDir: {
    readonly exists: boolean;
    readonly mode: number;
    readonly uid: number;
    /** As the kernel names it, such as `ext4`; empty where it is not known. */
    readonly fileSystem: string;
    /** The process that has it locked, where its lock tells. */
    readonly pid: number | undefined;
  };
  /** Of the process that has the root directory locked; undefined when there is none. */
  readonly oomScoreAdj: number | undefined;
  /** Addresses of its own that another process listens on. */
  readonly takenAddresses: readonly string[];
  /** Milliseconds since the epoch; undefined without TLS, a text when it cannot be read. */
  readonly certificateEnds: number | string | undefined;
}

/** What `criu` says of itself. */
export interface CriuFacts {
  /** Such as `4.2.1`; undefined where there is none. */
  readonly version: string | undefined;
  /** What it cannot do on this kernel; empty where it can. */
  readonly problem: string;
}

export interface EngineFacts {
  readonly endpoint: string;
  /** Empty when it has answered. */
  readonly problem: string;
  readonly answer:
    | {
        readonly info: EngineInfo;
        readonly version: EngineVersion;
        /** The version that is spoken. */
        readonly apiVersion: string;
        /** What of containers' OCI specs can be changed. */
        readonly specs: SpecFacts;
        /** Milliseconds since the epoch when it answered, by this command's clock. */
        readonly at: number;
      }
    | undefined;
  /** `/etc/docker/daemon.json`; undefined where there is none, a text when it is no JSON object. */
  readonly settings: Readonly<Record<string, unknown>> | string | undefined;
  /** CRIU where the engine's runtime finds it; undefined where the engine makes no checkpoints, and so nobody looked. */
  readonly criu: CriuFacts | undefined;
  /** dockerd on this node; undefined where it is not seen. */
  readonly process:
    | { readonly oomScoreAdj: number; readonly mayLowerOomScore: boolean }
    | undefined;
}

/** A file system that something of the node's is on. */
export interface DiskFacts {
  readonly path: string;
  /** What is there, for people. */
  readonly use: string;
  /** Which of the kubelet's thresholds counts. */
  readonly signal: "nodefs" | "imagefs";
  readonly mountPoint: string;
  /** As the kernel names it, such as `ext4`; empty where it is not known. */
  readonly fileSystem: string;
  /** Whether what is mounted there shows in other mount namespaces (`shared` in mountinfo). */
  readonly shared: boolean;
  /** Bytes. */
  readonly total: number;
  readonly available: number;
  /** 0 on file systems that don't count them. */
  readonly inodes: number;
  readonly inodesFree: number;
}

export interface NodeFacts {
  readonly cgroups: {
    readonly version: 1 | 2 | undefined;
    /** Of the root, on v2; hierarchies on v1. */
    readonly controllers: readonly string[];
  };
  /** Whether systemd is process 1. */
  readonly systemd: boolean;
  /** By their names; those that the kernel does not have are missing. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Kernel features that were looked for by their effect, and whether they are there. */
  readonly kernel: Readonly<Record<string, boolean>>;
  /** Programs that were looked for in $PATH, and whether they are there. */
  readonly programs: Readonly<Record<string, boolean>>;
  readonly swaps: readonly string[];
  /** `iptables -S FORWARD`; undefined when it could not be asked. */
  readonly forward: readonly string[] | undefined;
  readonly disks: readonly DiskFacts[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether the clock is kept by NTP; undefined where nobody tells. */
  readonly clockSynchronized: boolean | undefined;
}

/** What came of running the plugins for real. */
export interface DeepNetworkOutcome {
  /** `none` when all went well. */
  readonly failedAt: "none" | "netns" | "ADD" | "CHECK" | "DEL" | "leftovers";
  readonly message: string;
  readonly addresses: readonly string[];
  readonly checked: boolean;
  readonly milliseconds: number;
}

export interface NetworkFacts {
  /** Whether the daemon could set a pod up now, by the same rules. */
  readonly ready: boolean;
  /** The default network, where one is usable. */
  readonly network:
    | { readonly name: string; readonly file: string; readonly plugins: readonly string[] }
    | undefined;
  /** Why it is not ready. */
  readonly reason: string;
  /** Files that are passed over, with the reason. */
  readonly skipped: readonly string[];
  /** undefined when it was not asked for. */
  readonly deep: DeepNetworkOutcome | undefined;
  /** Ports of the node that pods map, by the results in the daemon's cache. */
  readonly mappedPorts: readonly {
    readonly port: number;
    readonly protocol: string;
    readonly sandbox: string;
  }[];
  /** Ports that processes of the node listen on. */
  readonly listening: readonly { readonly port: number; readonly protocol: string }[];
}

/** All that the checks judge. Gathering them changes nothing, but for what `--deep` tries and takes back. */
export interface CheckFacts {
  readonly runtime: RuntimeAnswer;
  readonly daemon: DaemonFacts;
  readonly engine: EngineFacts;
  readonly kubelet: KubeletFacts;
  readonly node: NodeFacts;
  readonly network: NetworkFacts;
  /** What is left on the node that nobody knows, by kind. */
  readonly leftovers: readonly { readonly kind: string; readonly count: number }[];
  /** cri-dockerd's process on this node. */
  readonly criDockerdPid: number | undefined;
}
