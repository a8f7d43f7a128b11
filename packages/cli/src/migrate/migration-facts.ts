import type { CleanUpPlaces } from "./clean-up.js";
import type { MigrateReport } from "./migrate-report.js";

/** A unit of systemd. */
export interface UnitFacts {
  readonly name: string;
  readonly active: boolean;
  readonly enabled: boolean;
  readonly masked: boolean;
}

/** A daemon that serves CRI on Docker, as systemd knows it. */
export interface DaemonFacts {
  /** Those that are there, sockets first. */
  readonly units: readonly UnitFacts[];
  /** Where it serves, as the kubelet is to be told. */
  readonly endpoint: string;
}

/** A file that tells the kubelet its CRI socket. */
export interface EndpointFile {
  readonly file: string;
  readonly form: "configuration" | "flag";
  readonly text: string;
  readonly endpoint: string;
}

/** The node's kubelet. */
export interface KubeletFacts {
  readonly unit: UnitFacts | undefined;
  /** Its process; undefined when it does not run. */
  readonly pid: number | undefined;
  /** What its command line says; undefined where that says nothing, or it does not run. */
  readonly flag: string | undefined;
  readonly files: readonly EndpointFile[];
}

/** A file as it is; `text` is undefined when there is none. */
export interface FileFacts {
  readonly file: string;
  readonly text: string | undefined;
  readonly folderExists: boolean;
}

/** What a migration goes by. */
export interface MigrationFacts {
  readonly report: MigrateReport;
  readonly criDockerd: DaemonFacts;
  /** Its process; undefined when it does not run. */
  readonly criDockerdPid: number | undefined;
  readonly dockershim: DaemonFacts;
  readonly kubelet: KubeletFacts;
  /** dockershim's configuration, and what it would be with cri-dockerd's flags carried into it. */
  readonly config: FileFacts & { readonly carried: string; readonly problems: readonly string[] };
  /** The drop-in of dockershim.socket that lets it answer under cri-dockerd's name too. */
  readonly dropIn: FileFacts;
  readonly dockerEndpoint: string;
  readonly cleanUp: CleanUpPlaces;
  /** Conditions that the runtime which serves now says hold. */
  readonly conditions: readonly string[];
  /** Processes of the containers that run, by id. */
  readonly pids: Readonly<Record<string, number>>;
  /** Addresses of ready sandboxes with a network of their own, by id, as the runtime which serves now tells them. */
  readonly addresses: Readonly<Record<string, string>>;
  /** What names of backups end in. */
  readonly stamp: string;
}

export type Direction = "forward" | "back";
