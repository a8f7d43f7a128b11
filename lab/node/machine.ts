import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, toolPath, tryCommand } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { startDaemon } from "../daemon.ts";
import { LabError } from "../lab-error.ts";
import { withLock } from "../lock.ts";
import { endProcess, isAlive, type ProcessId } from "../process-id.ts";
import { copyCheckout } from "./copy.ts";
import { type NodeImage, nodeImage } from "./image.ts";
import { qemu } from "./qemu.ts";
import { greets, hostName, type Remote, sshArguments } from "./remote.ts";
import { uml } from "./uml.ts";

/** What a node can run on, by the name a person asks for. */
const accelerators = { uml, tcg: qemu("tcg"), kvm: qemu("kvm") };

export type Acceleration = keyof typeof accelerators;

/** What a node remembers of itself between runs. */
interface NodeState {
  readonly process?: ProcessId;
  readonly acceleration?: Acceleration;
  /** The command that connects to its SSH. */
  readonly reach?: readonly string[];
  /** The disk that the node's own layer lies on. */
  readonly base?: string;
  readonly key?: string;
}

interface Places {
  readonly folder: string;
  readonly state: string;
  readonly console: string;
  readonly log: string;
  readonly knownHosts: string;
}

function placesOf(config: LabConfig): Places {
  const folder = join(config.root, config.name, "node");
  return {
    folder,
    state: join(folder, "state.json"),
    console: join(folder, "console.log"),
    log: join(folder, "machine.log"),
    knownHosts: join(folder, "known_hosts"),
  };
}

function readState({ state }: Places): NodeState {
  return existsSync(state) ? JSON.parse(readFileSync(state, "utf8")) : {};
}

function writeState({ state }: Places, content: NodeState): void {
  writeFileSync(`${state}.new`, `${JSON.stringify(content, undefined, 2)}\n`);
  renameSync(`${state}.new`, state);
}

/** Reads `NODE_ACCEL`: uml, a kernel that is a program; tcg, which emulates a machine; or kvm. */
export function accelerationOf(env: NodeJS.ProcessEnv): Acceleration {
  const choice = env.NODE_ACCEL || "uml";
  if (Object.hasOwn(accelerators, choice)) return choice as Acceleration;
  const choices = Object.keys(accelerators).join(", ");
  throw new LabError("usage", `NODE_ACCEL=${choice}: choose one of ${choices}`);
}

/**
 * Boots the node unless it runs, and copies this checkout to it. A node whose emulator has ended boots from the
 * disk that it had. A boot that `signal` ends leaves nothing of the node.
 */
export function up(
  config: LabConfig,
  acceleration: Acceleration,
  signal?: AbortSignal,
): Promise<void> {
  const places = placesOf(config);
  return withLock(`node ${places.folder}`, async () => {
    const image = await nodeImage(config, accelerators[acceleration].needs, signal);
    mkdirSync(places.folder, { recursive: true });
    const old = readState(places);
    if (isAlive(old.process) && old.base !== image.disk) {
      throw new LabError("usage", "the node's recipe has changed: take this node down first");
    }
    if (isAlive(old.process) && old.acceleration !== acceleration) {
      throw new LabError(
        "usage",
        `the node runs on ${old.acceleration}: take it down first, or say NODE_ACCEL=${old.acceleration}`,
      );
    }
    const runs = isAlive(old.process);
    try {
      if (!runs) await boot(places, image, acceleration, signal);
      const remote = remoteOf(places);
      await settle(remote);
      signal?.throwIfAborted();
      console.error("lab: copying this checkout to the node");
      await copyCheckout(remote);
    } catch (error) {
      // One that fails by itself is left for its console to be read.
      if (signal?.aborted && !runs) await takeDown(places);
      throw error;
    }
  });
}

async function boot(
  places: Places,
  image: NodeImage,
  acceleration: Acceleration,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { folder, console: consoleFile, log, knownHosts } = places;
  const { key, disk: base } = image;
  const accelerator = accelerators[acceleration];
  const disk = join(folder, accelerator.diskName);
  if (!existsSync(disk) || readState(places).base !== base) {
    rmSync(disk, { force: true });
    await accelerator.makeDisk(base, disk);
  }
  writeFileSync(knownHosts, `${hostName} ${image.hostKey}\n`);
  const machine = { image, disk, folder, memoryMiB: 4096, processors: 2 };
  const { program, args, reach } = await accelerator.programOf({
    ...machine,
    console: consoleFile,
  });
  console.error(`lab: booting the node on ${acceleration}; this takes a minute or two`);
  await startDaemon({
    code: "host",
    program,
    args,
    path: toolPath,
    logFile: log,
    timeoutMs: 900_000,
    onStart: (process) => {
      writeState(places, { process, acceleration, reach: reach(process.pid), base, key });
    },
    isReady: () => {
      signal?.throwIfAborted();
      return greets(readState(places).reach ?? []);
    },
  });
  console.error(`lab: the node answers; its console is in ${consoleFile}`);
}

/** Waits until systemd has started all it means to, Docker above all. */
async function settle(remote: Remote): Promise<void> {
  const line = "systemctl is-system-running --wait; systemctl is-active docker";
  const { stdout, stderr } = await tryCommand("ssh", sshArguments(remote, [line]));
  const [system, docker] = stdout.trim().split("\n");
  if (docker !== "active") {
    throw new LabError("engine", `the node's Docker does not run: ${stdout}${stderr}`);
  }
  if (system === "running") return;
  const failed = await command("ssh", sshArguments(remote, ["systemctl --failed --no-legend"]));
  console.error(`lab: the node is ${system}: ${failed.trim()}`);
}

function remoteOf(places: Places): Remote {
  const { process, reach, key } = readState(places);
  if (!isAlive(process) || reach === undefined || key === undefined) {
    throw new LabError("usage", "the node is not up");
  }
  return { reach, key, knownHosts: places.knownHosts };
}

/** Where the node that runs can be reached; throws a {@link LabError} when it does not. */
export function nodeRemote(config: LabConfig): Remote {
  return remoteOf(placesOf(config));
}

/** Ends the node and throws its disk away; what it was made from stays in the cache. */
export function down(config: LabConfig): Promise<void> {
  const places = placesOf(config);
  return withLock(`node ${places.folder}`, () => takeDown(places));
}

async function takeDown(places: Places): Promise<void> {
  // Nothing of it is kept, so it has nothing to write down.
  await endProcess(readState(places).process, 0);
  rmSync(places.folder, { recursive: true, force: true });
}
