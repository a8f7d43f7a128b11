/**
 * Runs one scenario in the namespaces it was started in (see lab.integration.test.ts) and prints what it saw
 * as JSON: the machine before and after, and what the lab said in between.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { command, tryCommand } from "../command.ts";
import { cniBinDir, labConfig } from "../config.ts";
import { callEngine } from "../engine-api.ts";
import { type LabEnv, labEnv } from "../env.ts";
import { endProcess, listProcesses } from "../process-id.ts";
import { endEngine, restartEngine } from "../restart.ts";
import { readState } from "../state.ts";
import { down, type LabStatus, status, up } from "../up-down.ts";
import { takeSnapshot } from "./snapshot.ts";

const program = join(import.meta.dirname, "../lab.ts");
const config = labConfig();
const socket = config.dockerSocket;

async function post(path: string, body?: object): Promise<{ Id: string }> {
  const reply = await callEngine(socket, {
    method: "POST",
    path,
    ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return reply === "" ? { Id: "" } : JSON.parse(reply);
}

/** Starts a container without a network, as the shim does, and returns its pid. */
async function startContainer(image: string): Promise<number> {
  const { Id } = await post("/containers/create", {
    Image: image,
    Cmd: ["sleep", "1000"],
    HostConfig: { NetworkMode: "none" },
  });
  await post(`/containers/${Id}/start`);
  return JSON.parse(await callEngine(socket, { path: `/containers/${Id}/json` })).State.Pid;
}

/** Gives the container an address and a port of the host, and "forgets" to take them back. */
async function addToNetwork(env: LabEnv, pid: number): Promise<string> {
  const text = await command("cat", [`${env.LAB_CNI_CONF_DIR}/10-lab.conflist`]);
  const { name, cniVersion, plugins } = JSON.parse(text);
  let prevResult: object | undefined;
  for (const plugin of plugins) {
    const runtimeConfig = {
      portMappings: [{ hostPort: 21_499, containerPort: 80, protocol: "tcp" }],
    };
    const result = await command(`${cniBinDir}/${plugin.type}`, [], {
      input: JSON.stringify({ ...plugin, name, cniVersion, prevResult, runtimeConfig }),
      env: {
        CNI_COMMAND: "ADD",
        CNI_CONTAINERID: "forgotten",
        CNI_NETNS: `/proc/${pid}/ns/net`,
        CNI_IFNAME: "eth0",
        CNI_PATH: cniBinDir,
      },
    });
    prevResult = JSON.parse(result);
  }
  const { ips } = prevResult as { ips: { address: string }[] };
  return ips[0]?.address.split("/")[0] ?? "";
}

/** Runs the command line program itself, in an environment of its own. */
function labCommand(verb: string, env: Record<string, string>): Promise<number | null> {
  const child = spawn(process.execPath, [program, verb], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return new Promise((resolve) => child.once("close", resolve));
}

async function killAll(pattern: RegExp): Promise<void> {
  for (const { id, commandLine } of listProcesses()) {
    if (pattern.test(commandLine)) await endProcess(id, 0);
  }
}

/** Tries to bring the lab up; says why that failed, and what runs afterwards. */
async function failToComeUp(): Promise<{ error: string; afterwards: LabStatus }> {
  const error = await up(config).then(
    () => "",
    (reason: Error) => reason.message,
  );
  return { error, afterwards: await status(config) };
}

const scenarios: Record<string, () => Promise<object>> = {
  /** Up, used without tidying up, and down. */
  async orderly() {
    const env = await up(config);
    const whole = await status(config);
    const address = await addToNetwork(env, await startContainer(env.LAB_IMAGE));
    await post("/networks/create", { Name: "forgotten", Driver: "bridge" });
    const used = await takeSnapshot(config);
    const ping = await tryCommand("ping", ["-c1", "-W5", address]);
    const pinged =
      ping.code === 127
        ? (await tryCommand("busybox", ["ping", "-c1", "-W5", address])).code
        : ping.code;
    const pull = `/images/create?fromImage=${env.LAB_REGISTRY_IMAGE}`;
    await callEngine(socket, { method: "POST", path: pull });
    await down(config);
    return { whole, used, pinged, afterwards: await status(config) };
  },

  /** Everything is killed while a container runs; then down. */
  async killed() {
    const env = await up(config);
    await addToNetwork(env, await startContainer(env.LAB_IMAGE));
    // In this order nobody is left who could still tidy up.
    for (const daemon of [
      /dockerd --config/,
      /containerd --config/,
      /containerd-shim/,
      /docker-registry/,
    ]) {
      await killAll(daemon);
    }
    const broken = await status(config);
    const used = await takeSnapshot(config);
    await down(config);
    return { broken, used };
  },

  /** The engine is killed and its pid file names a live process of somebody else; then up again. */
  async recovers() {
    const first = await up(config);
    const image = await callEngine(socket, { path: `/images/${first.LAB_IMAGE}/json` });
    await startContainer(first.LAB_IMAGE);
    await endProcess(readState(config).engine, 0);
    await endProcess(readState(config).registry?.process, 0);
    writeFileSync(config.pidFile, String(process.pid));
    let refused = "";
    try {
      labEnv(config);
    } catch (error) {
      refused = (error as Error).message;
    }
    const second = await up(config);
    const again = await callEngine(socket, { path: `/images/${second.LAB_IMAGE}/json` });
    await startContainer(second.LAB_IMAGE);
    const running = JSON.parse(await callEngine(socket, { path: "/containers/json" })).length;
    await down(config);
    return {
      first,
      second,
      refused,
      running,
      sameImage: JSON.parse(image).Id === JSON.parse(again).Id,
    };
  },

  /** The engine is killed, and its containerd's number is somebody else's before it is started again. */
  async renumbered() {
    await up(config);
    await endEngine(config, "killed");
    const stranger = spawn("sleep", ["1000"]);
    writeFileSync(join(config.execRoot, "containerd", "containerd.pid"), String(stranger.pid));
    await restartEngine(config);
    const engine = (await status(config)).engine;
    await down(config);
    const lives = stranger.exitCode === null && stranger.signalCode === null;
    const ended = once(stranger, "exit");
    stranger.kill("SIGKILL");
    await ended;
    return { engine, lives };
  },

  /** Two runs of one lab and one of another at the same moment. */
  async together() {
    const other = { LAB: `${config.name}-b` };
    const codes = await Promise.all([
      labCommand("up", {}),
      labCommand("up", {}),
      labCommand("up", other),
    ]);
    const engines = listProcesses().filter(({ commandLine }) =>
      /dockerd /.test(commandLine),
    ).length;
    const envs = [labEnv(config), labEnv(labConfig({ ...process.env, ...other }))];
    await down(config);
    const otherStatus = await status(labConfig({ ...process.env, ...other }));
    const settings = (await takeSnapshot(config)).settings;
    codes.push(await labCommand("down", other));
    return { codes, engines, envs, otherStatus, settings };
  },

  /** The engine cannot start: its data root is a file. */
  async engineless() {
    mkdirSync(config.stateDir, { recursive: true });
    writeFileSync(config.dataRoot, "");
    return failToComeUp();
  },

  /** The engine and both registries run, and then an image cannot be made: a program for it is missing. */
  async imageless() {
    rmSync(join(config.cacheDir, "busybox"));
    mkdirSync(join(config.cacheDir, "busybox"));
    return failToComeUp();
  },

  /** Told to end in the middle of its work. */
  async interrupted() {
    const child = spawn(process.execPath, [program, "up"], { stdio: ["ignore", "ignore", "pipe"] });
    const ended = once(child, "close");
    let said = "";
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.includes("making image") && !said.includes("making image")) child.kill("SIGTERM");
      said += `${line}\n`;
    }
    return { code: (await ended)[0], said };
  },

  /** Down of a lab that never was, twice. */
  async nothing() {
    await down(config);
    await down(config);
    return {};
  },
};

const scenario = scenarios[process.argv[2] ?? ""];
if (scenario === undefined) throw new Error(`no scenario ${process.argv[2]}`);
await command("ip", ["link", "set", "lo", "up"]);
// So that the firewall's lock file is there from the start.
await command("iptables", ["-w", "10", "-S"]);
const before = await takeSnapshot(config);
const seen = await scenario();
const after = await takeSnapshot(config);
process.stdout.write(JSON.stringify({ before, after, seen }));
