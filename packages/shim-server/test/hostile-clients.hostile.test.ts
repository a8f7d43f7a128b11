import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { type Daemon, labFlags, labVariable, startDaemon, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createRawClient } from "./hostile/raw-call.js";

const mib = 1024 * 1024;
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

describe("a client that breaks the rules", () => {
  let dir: string;
  let socket: string;
  let daemon: Daemon;
  let cri: CriClient;
  const opened: { destroy(): void }[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "shim-hostile-"));
    socket = join(dir, "shim.sock");
    const lab = {
      LAB_DOCKER_ENDPOINT: labVariable("LAB_DOCKER_ENDPOINT"),
      LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
      LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
    };
    daemon = await startDaemon({
      listen: `unix://${socket}`,
      flags: { ...labFlags(lab), "root-dir": join(dir, "root") },
    });
    cri = createCriClient({ endpoint: `unix://${socket}` });
  });
  afterAll(async () => {
    cri.close();
    await daemon.stop();
    rmSync(dir, { recursive: true });
  });

  const openFiles = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length;
  const residentMib = (): number => {
    const status = readFileSync(`/proc/${daemon.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  };

  function dial(): Socket {
    const client = connect(socket);
    client.on("error", () => undefined);
    opened.push(client);
    return client;
  }

  const attacks: [what: string, attack: () => Promise<void>][] = [
    ["says nothing", async () => void Array.from({ length: 200 }, dial)],
    [
      "sends random bytes",
      async () => {
        for (let index = 0; index < 50; index++) dial().end(randomBytes(10_000));
      },
    ],
    [
      "sends random frames",
      async () => {
        for (let index = 0; index < 200; index++) {
          const payload = randomBytes(index % 64);
          const head = Buffer.from([0, 0, payload.length, index % 12, ...randomBytes(5)]);
          dial().write(Buffer.concat([preface, settings, head, payload]));
        }
      },
    ],
    [
      "sends half a frame",
      async () => void dial().write(Buffer.concat([preface, settings, Buffer.from([0, 64, 0, 1])])),
    ],
    [
      "floods with pings and settings",
      async () => {
        const ping = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        const flood = Array.from({ length: 50_000 }, () => [ping, settings]).flat();
        dial().write(Buffer.concat([preface, settings, ...flood]));
      },
    ],
    [
      "resets what it opens",
      async () => {
        const session = connectHttp2("http://localhost", {
          createConnection: () => connect(socket),
        });
        opened.push(session);
        session.on("error", () => undefined);
        for (let index = 0; index < 2_000 && !session.destroyed; index++) {
          const stream = session.request({
            ":method": "POST",
            ":path": "/runtime.v1.RuntimeService/ListContainers",
            "content-type": "application/grpc",
          });
          stream.on("error", () => undefined);
          stream.close(constants.NGHTTP2_CANCEL);
        }
      },
    ],
    [
      "sends a message of 20 MiB",
      async () => {
        const client = createRawClient(socket);
        const paths = ["RuntimeService/CreateContainer", "RuntimeService/ListContainers"];
        for (const path of paths) {
          const outcome = await client.call(`/runtime.v1.${path}`, Buffer.alloc(20 * mib));
          expect(outcome.code).not.toBe(0);
        }
        client.close();
      },
    ],
    [
      "sends what inflates to 300 MiB",
      async () => {
        const session = connectHttp2("http://localhost", {
          createConnection: () => connect(socket),
        });
        opened.push(session);
        session.on("error", () => undefined);
        const bomb = gzipSync(Buffer.alloc(300 * mib));
        const prefix = Buffer.alloc(5);
        prefix[0] = 1;
        prefix.writeUInt32BE(bomb.length, 1);
        const stream = session.request({
          ":method": "POST",
          ":path": "/runtime.v1.RuntimeService/ListContainers",
          "content-type": "application/grpc",
          "grpc-encoding": "gzip",
          te: "trailers",
        });
        stream.on("error", () => undefined);
        stream.resume();
        stream.end(Buffer.concat([prefix, bomb]));
        await new Promise((resolve) => stream.once("close", resolve));
      },
    ],
  ];

  test.each(attacks)("that %s harms no other, and leaves nothing behind", async (_what, attack) => {
    await cri.runtime.version({});
    const files = openFiles();
    await attack();
    await cri.runtime.listPodSandbox({});
    await cri.runtime.status({});
    for (const client of opened.splice(0)) client.destroy();
    await until(() => openFiles() <= files);
    // It has 130 MiB at rest. A daemon that keeps what it is sent has far more than this.
    expect(residentMib()).toBeLessThan(500);
  });

  /** Opens a stream of events of which nothing is ever read. */
  function neverRead(): ClientHttp2Stream {
    const session = connectHttp2("http://localhost", {
      createConnection: () => connect(socket),
      settings: { initialWindowSize: 0 },
    });
    opened.push(session);
    session.on("error", () => undefined);
    const stream = session.request({
      ":method": "POST",
      ":path": "/runtime.v1.RuntimeService/GetContainerEvents",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => undefined);
    stream.end(Buffer.alloc(5));
    return stream;
  }

  test("twenty readers of events that never read cost little more than one", async () => {
    const sandboxConfig = {
      metadata: { name: "events", namespace: "hostile", uid: randomBytes(4).toString("hex") },
      annotations: { large: "x".repeat(mib) },
      linux: {},
    };
    const { runtime } = cri;
    const { podSandboxId } = await runtime.runPodSandbox({ config: sandboxConfig });
    let attempt = 0;
    /** Makes two events, of a MiB and more. */
    const comeAndGo = async (): Promise<void> => {
      const { containerId } = await runtime.createContainer({
        podSandboxId,
        sandboxConfig,
        config: {
          metadata: { name: "main", attempt: attempt++ },
          image: { image: labVariable("LAB_IMAGE") },
          command: ["true"],
          linux: {},
        },
      });
      await runtime.removeContainer({ containerId });
    };
    await comeAndGo();
    const before = residentMib();
    let begun = 0;
    for (const stream of Array.from({ length: 20 }, neverRead)) {
      stream.once("response", () => begun++);
    }
    let most = 0;
    // The head of a reply comes with the first event.
    for (let events = 0; events < 80 || begun < 20; events += 2) {
      await comeAndGo();
      most = Math.max(most, residentMib());
    }
    console.info(`RSS ${before.toFixed(0)} MiB, with 20 readers at most ${most.toFixed(0)} MiB`);
    for (const client of opened.splice(0)) client.destroy();
    await runtime.removePodSandbox({ podSandboxId });
    // All that is kept back for them is 16 MiB, once.
    expect(most).toBeLessThan(400);
  });
});
