import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, toolPath, tryCommand } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { startDaemon } from "../daemon.ts";
import { LabError } from "../lab-error.ts";
import { withLock } from "../lock.ts";
import { freePort } from "../ports.ts";
import { endProcess, isAlive, type ProcessId } from "../process-id.ts";
import { copyCheckout } from "./copy.ts";
import { type NodeImage, nodeImage } from "./image.ts";
import { type Acceleration, qemuArguments } from "./qemu.ts";
import { greets, type Remote, sshArguments } from "./remote.ts";

/** What a node remembers of itself between runs. */
interface NodeState {
  readonly process?: ProcessId;
  readonly sshPort?: number;
  /** The disk that the node's own layer lies on. */
  readonly base?: string;
  readonly key?: string;
}

interface Places {
  readonly folder: string;
  readonly state: string;
  readonly disk: string;
  readonly console: string;
  readonly log: string;
  readonly knownHosts: string;
}

function placesOf(config: LabConfig): Places {
  const folder = join(config.root, config.name, "node");
  return {
    folder,
    state: join(folder, "state.json"),
    disk: join(folder, "disk.qcow2"),
    console: join(folder, "console.log"),
    log: join(folder, "qemu.log"),
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

/** Reads `NODE_ACCEL`: tcg, which runs everywhere, or kvm. */
export function accelerationOf(env: NodeJS.ProcessEnv): Acceleration {
  const choice = env.NODE_ACCEL || "tcg";
  if (choice === "tcg" || choice === "kvm") return choice;
  throw new LabError("usage", `NODE_ACCEL=${choice}: choose tcg or kvm`);
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
    const image = await nodeImage(config, signal);
    mkdirSync(places.folder, { recursive: true });
    const old = readState(places);
    if (isAlive(old.process) && old.base !== image.disk) {
      throw new LabError("usage", "the node's recipe has changed: take this node down first");
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
  const { folder, disk, console: serial, log, knownHosts } = places;
  if (!existsSync(disk) || readState(places).base !== image.disk) {
    rmSync(disk, { force: true });
    const layer = ["-f", "qcow2", "-F", "raw", "-b", image.disk, disk];
    await command("qemu-img", ["create", "-q", ...layer]);
  }
  const sshPort = await freePort("127.0.0.1");
  const [kind = "", hostKey = ""] = image.hostKey.split(" ");
  writeFileSync(knownHosts, `[127.0.0.1]:${sshPort} ${kind} ${hostKey}\n`);
  const machine = { acceleration, disk, sshPort, console: serial, memoryMiB: 4096, processors: 2 };
  const { kernel, initrd, key } = image;
  console.error("lab: booting the node; by emulation this takes a minute or two");
  await startDaemon({
    code: "host",
    program: "nice",
    args: ["-n", "10", "qemu-system-x86_64", ...qemuArguments({ ...machine, kernel, initrd })],
    path: toolPath,
    logFile: log,
    timeoutMs: 900_000,
    onStart: (process) => writeState(places, { process, sshPort, base: image.disk, key }),
    isReady: () => {
      signal?.throwIfAborted();
      return greets(sshPort);
    },
  });
  console.error(`lab: the node answers; its console is in ${join(folder, "console.log")}`);
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
  const { process, sshPort, key } = readState(places);
  if (!isAlive(process) || sshPort === undefined || key === undefined) {
    throw new LabError("usage", "the node is not up");
  }
  return { port: sshPort, key, knownHosts: places.knownHosts };
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
