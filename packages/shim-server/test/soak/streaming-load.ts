/**
 * Streaming under load: 100 exec sessions and 200 port-forward connections at a time, in rounds,
 * through one daemon. Prints what the daemon's process holds after each round; nothing may grow.
 *
 * Run with a lab's environment: `node packages/shim-server/test/soak/streaming-load.ts [rounds]`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { startSoak } from "./soak.ts";

const rounds = Number(process.argv[2] ?? 5);
const execs = 100;
const connections = 200;
/** One WebSocket of the legacy protocol carries this many ports, each a connection of its own. */
const portsPerSession = 50;
const payload = "x".repeat(100_000);

const soak = await startSoak("streaming-load");
const { cri, docker, daemon } = soak;
const { podSandboxId, containerIds } = await soak.runPod({ main: { command: ["sleep", "3600"] } });
const { main: containerId = "" } = containerIds;

// busybox has no server with a backlog for 200 connections at once, so Node is one in the pod's network.
const { State: state } = await docker.containers.inspect(podSandboxId);
const echo = spawn(
  "nsenter",
  [
    ...["-t", String(state.Pid), "-n", process.execPath, "-e"],
    "net.createServer((s) => s.pipe(s)).listen(7000, '127.0.0.1', () => console.log('ready'))",
  ],
  { stdio: ["ignore", "pipe", "inherit"] },
);
await once(echo.stdout, "data");

interface Session {
  readonly socket: WebSocket;
  /** Settles when the bytes of a channel have reached a number. */
  received(channel: number, bytes: number): Promise<void>;
  closed: Promise<unknown>;
}

async function dial(url: string, protocol: string): Promise<Session> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), protocol);
  socket.binaryType = "arraybuffer";
  const sizes = new Map<number, number>();
  const last = new Map<number, string>();
  const checks = new Set<() => void>();
  socket.addEventListener("message", ({ data }) => {
    const message = Buffer.from(data as ArrayBuffer);
    const channel = message[0] ?? 0;
    sizes.set(channel, (sizes.get(channel) ?? 0) + message.length - 1);
    last.set(channel, message.subarray(1, 400).toString("latin1"));
    for (const check of checks) check();
  });
  const closed = once(socket, "close");
  await once(socket, "open");
  return {
    socket,
    closed,
    received: async (channel, bytes) =>
      await new Promise((resolve, reject) => {
        const check = (): void => {
          if ((sizes.get(channel) ?? 0) < bytes) return;
          checks.delete(check);
          resolve();
        };
        checks.add(check);
        closed.then(
          () =>
            reject(
              new Error(
                `channel ${channel}: ${sizes.get(channel)} bytes, ${last.get(channel + 1)}`,
              ),
            ),
          reject,
        );
        check();
      }),
  };
}

/** Every second session ends by its command, the others by their client going away. */
async function execSession(index: number): Promise<void> {
  const leave = index % 2 === 1;
  const { url } = await cri.runtime.exec({
    containerId,
    cmd: ["sh", "-c", leave ? "head -c 100000 /dev/zero; sleep 3600" : "head -c 100000 /dev/zero"],
    stdin: true,
    stdout: true,
    stderr: true,
  });
  const session = await dial(url, "v5.channel.k8s.io");
  if (!leave) return void (await session.closed);
  await session.received(1, 100_000);
  session.socket.close();
}

async function forwardSession(): Promise<void> {
  const { url } = await cri.runtime.portForward({
    podSandboxId,
    port: Array.from({ length: portsPerSession }, () => 7000),
  });
  const session = await dial(url, "v4.channel.k8s.io");
  const channels = Array.from({ length: portsPerSession }, (_, index) => index * 2);
  for (const channel of channels) {
    session.socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(payload)]));
  }
  await Promise.all(channels.map((channel) => session.received(channel, 2 + payload.length)));
  session.socket.close();
  await session.closed;
}

function held(): Record<string, number> {
  const status = readFileSync(`/proc/${daemon.pid}/status`, "utf8");
  const field = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
  return {
    fds: readdirSync(`/proc/${daemon.pid}/fd`).length,
    threads: field("Threads"),
    rssMB: Math.round(field("VmRSS") / 1024),
  };
}

async function processes(): Promise<number> {
  const { stdout } = await cri.runtime.execSync({ containerId, cmd: ["ps", "-o", "args"] });
  return Buffer.from(stdout).toString().trim().split("\n").length;
}

try {
  for (let round = 0; round <= rounds; round++) {
    const started = performance.now();
    if (round > 0) {
      const done = await Promise.allSettled([
        ...Array.from({ length: execs }, (_, index) => execSession(index)),
        ...Array.from({ length: connections / portsPerSession }, forwardSession),
      ]);
      const failed = done.filter((one) => one.status === "rejected");
      if (failed[0] !== undefined) throw new Error(`${failed.length} failed: ${failed[0].reason}`);
    }
    const seconds = (performance.now() - started) / 1000;
    await setTimeout(3_000);
    console.log(JSON.stringify({ round, seconds, ...held(), processes: await processes() }));
  }
} finally {
  echo.kill();
  await cri.runtime.removePodSandbox({ podSandboxId });
  await soak.close();
}
