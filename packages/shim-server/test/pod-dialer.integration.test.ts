import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import type { SandboxRecord } from "../src/state/records.js";
import {
  createNetnsSockets,
  type NetnsSockets,
  NetnsUnusableError,
} from "../src/streaming/netns-sockets.js";
import { createPodDialer } from "../src/streaming/pod-dialer.js";

const log = pino({ level: "silent" });
const never = new AbortController().signal;

/** A "sandbox" that is this very process: its cgroup's path has a slash in it like any other. */
const here = {
  id: "/",
  inspect: { State: { Pid: process.pid }, HostConfig: { NetworkMode: "none" } },
} as unknown as SandboxRecord;

const unusable: NetnsSockets = {
  open: async () => {
    throw new NetnsUnusableError("no koffi");
  },
  close: async () => undefined,
};

let echo: Server;
let echo6: Server;
let sockets: NetnsSockets;

beforeAll(async () => {
  sockets = createNetnsSockets();
  const listen = async (host: string): Promise<Server> => {
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    server.listen(0, host);
    await once(server, "listening");
    return server;
  };
  [echo, echo6] = await Promise.all([listen("127.0.0.1"), listen("::1")]);
});

afterAll(async () => {
  await sockets.close();
  echo.close();
  echo6.close();
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function echoed(stream: Duplex): Promise<string> {
  stream.end("hello");
  let all = "";
  for await (const chunk of stream) all += String(chunk);
  return all;
}

const ways = [
  ["a socket made in the namespace", () => sockets],
  ["nsenter and socat", () => unusable],
] as const;

test.each(ways)("through %s, IPv4 is dialled, then IPv6", async (_, way) => {
  const dial = createPodDialer(way(), log);
  expect(await echoed(await dial(here, portOf(echo), never))).toBe("hello");
  expect(await echoed(await dial(here, portOf(echo6), never))).toBe("hello");
});

test.each(ways)("through %s, a refusal names both families", async (_, way) => {
  const dial = createPodDialer(way(), log);
  await expect(dial(here, 1, never)).rejects.toMatchObject({
    code: "unavailable",
    message:
      "failed to connect to localhost:1 inside sandbox /: " +
      "IPv4: connection refused, IPv6: connection refused",
  });
});

test("a process that is not the sandbox's is not followed", async () => {
  await expect(
    sockets.open({ pid: process.pid, containerId: "c0ffee".repeat(8) }, 4),
  ).rejects.toThrow(/is not of sandbox/);
});

test("without the native library it is found unusable", async () => {
  const broken = createNetnsSockets(new URL("data:text/javascript,import 'no-such-library'"));
  await expect(broken.open({ pid: process.pid, containerId: "/" }, 4)).rejects.toThrow(
    NetnsUnusableError,
  );
  await broken.close();
});

test("no thread stays in another namespace, and no socket is left behind", async () => {
  const dial = createPodDialer(sockets, log);
  const sockets0 = readdirSync("/proc/self/fd").length;
  for (let round = 0; round < 20; round++) {
    await expect(dial(here, 1, never)).rejects.toThrow("refused");
  }
  expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(sockets0);
  const home = readlinkSync("/proc/self/ns/net");
  for (const thread of readdirSync("/proc/self/task")) {
    expect(readlinkSync(`/proc/self/task/${thread}/ns/net`)).toBe(home);
  }
});
