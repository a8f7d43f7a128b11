import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { LabError } from "./lab-error.ts";

/** The engines the lab can start, by the major version a person asks for. */
export type EngineChoice = "20" | "26" | "28" | "29";

/** Where the engine keeps images: Docker's graph drivers, or containerd's snapshotters (26 and newer). */
export type ImageStore = "graphdriver" | "containerd";

/** Who makes the engine's cgroups: itself, or systemd where that runs. */
export type CgroupDriver = "cgroupfs" | "systemd";

/** All names and places of one lab; two labs that differ in name or engine share none of them but the cache. */
export interface LabConfig {
  readonly name: string;
  readonly engine: EngineChoice;
  /** Undefined: as the lab is, or for a new one the engine's default: graphdriver, from 29 on containerd. */
  readonly imageStore: ImageStore | undefined;
  readonly cgroupDriver: CgroupDriver;
  /** Whether the engine gets the images of CRI's conformance tests from the lab, under their public names. */
  readonly lookAlikes: boolean;
  /** Whether the engine is experimental and has CRIU, so that it checkpoints containers. */
  readonly criu: boolean;
  /** Whether the engine gets runc 1.3 in place of the machine's. */
  readonly newRunc: boolean;
  /** The folder all labs live under. */
  readonly root: string;
  /** What survives `down`: what was fetched. */
  readonly cacheDir: string;
  /** Everything else of this lab; `down` removes it. */
  readonly stateDir: string;
  readonly stateFile: string;
  readonly dockerSocket: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly pidFile: string;
  readonly cniConfDir: string;
  readonly cniIpamDir: string;
  /** Scratch space for the programs under test: sockets, root directories. */
  readonly runDir: string;
}

export const engines: readonly EngineChoice[] = ["20", "26", "28", "29"];

/** The longest unix socket that an engine opens below its state folder; the kernel takes 107 bytes. */
const longestSocket = "exec/containerd/containerd.sock.ttrpc";

/** Where Debian puts the CNI plugins. */
export const cniBinDir = "/usr/lib/cni";

/**
 * Reads the lab's choices from the environment: `LAB` (name, default "default"), `DOCKER` (20, 26, 28
 * or 29; default 20), `LAB_STORE` (graphdriver or containerd), `LAB_CGROUPS` (cgroupfs or systemd),
 * `LAB_DIR` (default /var/tmp/dockershim-lab), `LAB_LOOKALIKES` (1: the lab stands in for public registries),
 * `LAB_CRIU` (1: the engine checkpoints containers), `LAB_RUNC` (1.3: in place of the machine's).
 */
export function labConfig(env: NodeJS.ProcessEnv = process.env): LabConfig {
  const name = env.LAB || "default";
  if (!/^[a-z0-9][a-z0-9-]{0,23}$/.test(name)) {
    throw new LabError("usage", `LAB=${name}: a name is 1 to 24 of a-z, 0-9 and "-"`);
  }
  const engine = engines.find((choice) => choice === (env.DOCKER || "20"));
  if (engine === undefined) {
    throw new LabError("usage", `DOCKER=${env.DOCKER}: choose one of ${engines.join(", ")}`);
  }
  const stores: readonly ImageStore[] = ["graphdriver", "containerd"];
  const imageStore = stores.find((store) => store === env.LAB_STORE);
  if (env.LAB_STORE && imageStore === undefined) {
    throw new LabError("usage", `LAB_STORE=${env.LAB_STORE}: choose graphdriver or containerd`);
  }
  if (imageStore === "containerd" && engine === "20") {
    throw new LabError(
      "usage",
      "Docker 20.10 has no containerd image store; use DOCKER=26 or newer",
    );
  }
  if (env.LAB_RUNC && env.LAB_RUNC !== "1.3") {
    throw new LabError("usage", `LAB_RUNC=${env.LAB_RUNC}: choose 1.3, or leave it out`);
  }
  if (env.LAB_RUNC && engine === "29") {
    throw new LabError("usage", "LAB_RUNC: Docker 29 is built with a newer runc of its own");
  }
  const cgroupDriver = cgroupDriverOf(env.LAB_CGROUPS || usualCgroupDriver());
  const root = resolve(env.LAB_DIR || "/var/tmp/dockershim-lab");
  const stateDir = join(root, name, `docker${engine}`);
  if (Buffer.byteLength(join(stateDir, longestSocket)) > 107) {
    throw new LabError("usage", `LAB_DIR=${root} is too long for the engine's unix sockets`);
  }
  return {
    name,
    engine,
    imageStore,
    cgroupDriver,
    lookAlikes: env.LAB_LOOKALIKES === "1",
    criu: env.LAB_CRIU === "1",
    newRunc: env.LAB_RUNC === "1.3",
    root,
    cacheDir: join(root, ".cache"),
    stateDir,
    stateFile: join(stateDir, "state.json"),
    dockerSocket: join(stateDir, "docker.sock"),
    dataRoot: join(stateDir, "data"),
    execRoot: join(stateDir, "exec"),
    pidFile: join(stateDir, "dockerd.pid"),
    cniConfDir: join(stateDir, "cni", "net.d"),
    cniIpamDir: join(stateDir, "cni", "ipam"),
    runDir: join(stateDir, "run"),
  };
}

/** Whether systemd looks after this machine's services. */
export function runsSystemd(): boolean {
  return existsSync("/run/systemd/system");
}

/** Whether the kernel is a program of another machine, of which Debian's has neither NAT nor cpuset. */
export function isUserModeLinux(): boolean {
  return readFileSync("/proc/cpuinfo", "utf8").includes("User Mode Linux");
}

/** As Docker chooses by itself: systemd's where systemd runs and cgroups are of version 2. */
function usualCgroupDriver(): CgroupDriver {
  const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  return unified && runsSystemd() ? "systemd" : "cgroupfs";
}

function cgroupDriverOf(choice: string): CgroupDriver {
  if (choice === "cgroupfs" || choice === "systemd") return choice;
  throw new LabError("usage", `LAB_CGROUPS=${choice}: choose cgroupfs or systemd`);
}
