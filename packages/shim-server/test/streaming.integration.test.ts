import { readdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { dialStream, type StreamClient } from "./stream-client.js";

let h: Harness;
let containerId: string;
let podSandboxId: string;
let hostServer: Server;

beforeAll(async () => {
  h = await createHarness();
  ({ containerId, podSandboxId } = await h.runPod());
  hostServer = createServer((_, response) => response.end("the host"));
  await new Promise<void>((resolve) => hostServer.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  hostServer.close();
  await h.close();
});

interface Streams {
  tty?: boolean;
  stdin?: boolean;
}

async function exec(script: string, { tty = false, stdin = false }: Streams = {}) {
  const { url } = await h.cri.runtime.exec({
    containerId,
    cmd: ["sh", "-c", script],
    tty,
    stdin,
    stdout: true,
    stderr: !tty,
  });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/exec\/[\w-]+$/);
  return await dialStream(url);
}

async function attach(id: string, { tty = false, stdin = false }: Streams = {}) {
  const { url } = await h.cri.runtime.attach({
    containerId: id,
    tty,
    stdin,
    stdout: true,
    stderr: !tty,
  });
  return await dialStream(url);
}

async function forward(port: number, id = podSandboxId): Promise<StreamClient> {
  const { url } = await h.cri.runtime.portForward({ podSandboxId: id, port: [port] });
  return await dialStream(url, "v4.channel.k8s.io");
}

async function running(marker: string): Promise<boolean> {
  const { Processes: rows } = await h.docker.containers.top(containerId, "-eo pid,stat,args");
  return rows.some(([, stat, args]) => !stat?.startsWith("Z") && args?.includes(marker));
}

/** How a terminal shows it. */
const echoOfCtrlD = "^D\b\b";

const exitCause = (code: number) => ({ reason: "ExitCode", message: String(code) });

test("an exec gets input until its end, and answers with output, errors and exit code", async () => {
  const client = await exec("cat; echo err >&2; exit 7", { stdin: true });
  client.send(0, "hello");
  await client.until(1, (text) => text === "hello");
  client.end(0);
  expect(await client.status()).toMatchObject({
    status: "Failure",
    reason: "NonZeroExitCode",
    details: { causes: [exitCause(7)] },
  });
  expect(client.text(1)).toBe("hello");
  expect(client.text(2)).toBe("err\n");
});

test("an exec that succeeds says so, and all of a long output has come before", async () => {
  const client = await exec("head -c 20000000 /dev/zero");
  expect(await client.status()).toMatchObject({ status: "Success" });
  expect(client.bytes(1)).toBe(20_000_000);
});

test("a process that a signal ended has 128 more than the signal as its exit code", async () => {
  const client = await exec("kill -9 $$");
  expect(await client.status()).toMatchObject({ details: { causes: [exitCause(137)] } });
});

test("a terminal has the client's size, and follows it", async () => {
  const client = await exec("while read line; do stty size; done", { tty: true, stdin: true });
  for (const [width, height] of [
    [91, 31],
    [70, 20],
  ]) {
    client.send(4, `{"Width":${width},"Height":${height}}\n`);
    await until(() => {
      client.send(0, "\n");
      return client.text(1).includes(`${height} ${width}`);
    });
  }
  client.send(0, "\x04");
  expect(await client.status()).toMatchObject({ status: "Success" });
});

test("Ctrl-C in a terminal interrupts the command", async () => {
  const client = await exec("echo ready; sleep 71000", { tty: true, stdin: true });
  await client.until(1, (text) => text.includes("ready"));
  client.send(0, "\x03");
  expect(await client.status()).toMatchObject({ details: { causes: [exitCause(130)] } });
});

const showKeys = "stty raw -echo; echo ready; exec od -An -v -tx1 -w1";

/** Docker's own keys for leaving a terminal: the first of them it holds back until the next one. */
async function expectDockersKeysToArrive(client: StreamClient): Promise<void> {
  const typed = async (keys: string, hex: string) => {
    client.send(0, keys);
    await client.until(1, (text) => text.replaceAll(/\s+/g, " ").trimEnd().endsWith(hex));
  };
  await typed("\x10", "10");
  await typed("\x10\x11", "10 10 11");
  await typed("x", "11 78");
}

test("each key in a terminal is the command's as it is typed, Ctrl-P and Ctrl-Q too", async () => {
  const client = await exec(showKeys, { tty: true, stdin: true });
  await client.until(1, (text) => text.includes("ready"));
  await expectDockersKeysToArrive(client);
  client.close();
});

test.each([false, true])(
  "when the client goes, the command is killed with all it started (tty: %s)",
  async (tty) => {
    const client = await exec("(setsid sleep 71001 &); echo ready; sleep 71001", {
      tty,
      stdin: true,
    });
    await client.until(1, (text) => text.includes("ready"));
    expect(await running("sleep 71001")).toBe(true);
    client.close();
    await until(async () => !(await running("sleep 71001")));
  },
);

test.each([
  ["whose output has ended", "exec >&- 2>&-; sleep 71003", false],
  ["whose terminal has seen the end of input", "trap '' HUP; cat; sleep 71003", true],
])("when the client goes, a command %s is killed", async (_, script, tty) => {
  const client = await exec(script, { tty, stdin: true });
  client.end(0);
  await until(async () => await running("sleep 71003"));
  client.close();
  await until(async () => !(await running("sleep 71003")));
});

test.each([
  ["ends a line", "hi\n", "hi\r\nhi\r\n"],
  ["stops in the middle of one", "hi", "hihi"],
  ["is empty", "", ""],
])("input that %s ends a terminal's command, and no output is lost", async (_, input, output) => {
  const client = await exec("cat; seq 1000; exit 3", { tty: true, stdin: true });
  if (input !== "") client.send(0, input);
  client.end(0);
  expect(await client.status()).toMatchObject({ details: { causes: [exitCause(3)] } });
  const numbers = Array.from({ length: 1_000 }, (_, index) => `${index + 1}\r\n`).join("");
  expect(client.text(1).replaceAll(echoOfCtrlD, "")).toBe(output + numbers);
});

test("when the daemon ends, so do the commands of its clients", async () => {
  const client = await exec("echo ready; sleep 71002");
  await client.until(1, (text) => text.includes("ready"));
  await h.restart();
  expect(await running("sleep 71002")).toBe(false);
});

test("a command that does not exist is told to the client", async () => {
  const { url } = await h.cri.runtime.exec({ containerId, cmd: ["/no/such"], stdout: true });
  const status = await (await dialStream(url)).status();
  expect(status.status).toBe("Failure");
});

test("attaching joins the running process, and going away leaves it alone", async () => {
  const { containerId: id } = await h.runPod(
    {},
    { stdin: true, command: ["sh", "-c", "while read line; do echo got $line; done; sleep 3600"] },
  );
  const first = await attach(id, { stdin: true });
  first.send(0, "one\n");
  await first.until(1, (text) => text === "got one\n");
  first.close();
  const second = await attach(id, { stdin: true });
  second.send(0, "two\n");
  await second.until(1, (text) => text.includes("got two\n"));
  second.close();
  const { status } = await h.cri.runtime.containerStatus({ containerId: id });
  expect(status?.state).toBe(1);
});

test("with stdin_once the first client's end is the end of the container's input", async () => {
  const { containerId: id } = await h.runPod(
    {},
    { stdin: true, stdinOnce: true, command: ["sh", "-c", "cat; echo over; exit 3"] },
  );
  const client = await attach(id, { stdin: true });
  client.send(0, "text\n");
  client.end(0);
  expect(await client.status()).toMatchObject({ status: "Success" });
  expect(client.text(1)).toBe("text\nover\n");
  await until(async () => {
    const { status } = await h.cri.runtime.containerStatus({ containerId: id });
    return status?.exitCode === 3;
  });
});

test("attaching to a container with a terminal brings its raw output and its size", async () => {
  const { containerId: id } = await h.runPod(
    {},
    { stdin: true, tty: true, command: ["sh", "-c", "while read line; do stty size; done"] },
  );
  const client = await attach(id, { stdin: true, tty: true });
  client.send(4, '{"Width":66,"Height":22}\n');
  await until(async () => {
    client.send(0, "\n");
    return client.text(1).includes("22 66");
  });
  client.close();
});

test("each key in a terminal that is attached to is the container's as it is typed", async () => {
  const command = ["sh", "-c", `read line; ${showKeys}`];
  const { containerId: id } = await h.runPod({}, { stdin: true, tty: true, command });
  const client = await attach(id, { stdin: true, tty: true });
  client.send(0, "\n");
  await client.until(1, (text) => text.includes("ready"));
  await expectDockersKeysToArrive(client);
  client.close();
});

test("what cannot be attached to or run in is refused at once, with the reason", async () => {
  const { containerId: id } = await h.runPod();
  const calls = () => [
    h.cri.runtime.exec({ containerId: id, cmd: ["true"], stdout: true }),
    h.cri.runtime.attach({ containerId: id, stdout: true }),
  ];
  await h.cri.runtime.stopContainer({ containerId: id, timeout: 0n });
  for (const call of calls()) {
    await expect(call).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
  }
  await h.cri.runtime.removeContainer({ containerId: id });
  for (const call of calls()) await expect(call).rejects.toMatchObject({ code: "NOT_FOUND" });
  const invalid = [
    h.cri.runtime.exec({ containerId, cmd: ["true"] }),
    h.cri.runtime.exec({ containerId, cmd: [], stdout: true }),
    h.cri.runtime.exec({ containerId, cmd: ["true"], tty: true, stdout: true, stderr: true }),
    h.cri.runtime.exec({ containerId: "", cmd: ["true"], stdout: true }),
    h.cri.runtime.attach({ containerId }),
    h.cri.runtime.portForward({ podSandboxId: "" }),
    h.cri.runtime.portForward({ podSandboxId, port: [70_000] }),
  ];
  for (const call of invalid) {
    await expect(call).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  }
});

test("a container that ends between the URL and its use is told to the client", async () => {
  const { containerId: id } = await h.runPod();
  const { url } = await h.cri.runtime.exec({ containerId: id, cmd: ["true"], stdout: true });
  await h.cri.runtime.stopContainer({ containerId: id, timeout: 0n });
  const status = await (await dialStream(url)).status();
  expect(status.message).toContain("exited");
});

test("a session ends with its container, after all that its command wrote", async () => {
  const waiting = await h.runPod(
    { linux: { securityContext: { namespaceOptions: { pid: 0 } } } },
    { command: ["sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done"] },
  );
  const { url } = await h.cri.runtime.exec({
    containerId: waiting.containerId,
    cmd: ["sh", "-c", "head -c 2000000 /dev/zero; touch /go; exec sleep 70013"],
    stdout: true,
    stderr: true,
  });
  const client = await dialStream(url);
  const status = await client.status();
  expect(client.bytes(1)).toBe(2_000_000);
  expect(status.status).toBe("Failure");
  // Docker 20.10 does not know the exit code; later ones say that it was killed.
  expect(JSON.stringify(status.details?.causes)).toMatch(
    /"message":"(137|.*does not know the command's exit code)"/,
  );
});

test.each([
  ["IPv4", "127.0.0.1", 7001],
  ["IPv6 alone", "[::1]", 7002],
])("port-forward reaches a server on the pod's loopback over %s", async (_, address, port) => {
  // Docker 20.10 leaves IPv6 off in a network namespace unless asked.
  const { podSandboxId: id, containerId } = await h.runPod(
    { linux: { sysctls: { "net.ipv6.conf.lo.disable_ipv6": "0" } } },
    { command: ["httpd", "-f", "-h", "/etc", "-p", `${address}:${port}`] },
  );
  await until(async () => {
    const { stdout } = await h.cri.runtime.execSync({
      containerId,
      cmd: ["sh", "-c", `netstat -lnt | grep -c :${port}`],
    });
    return Buffer.from(stdout).toString().trim() === "1";
  });
  const client = await forward(port, id);
  client.send(0, "GET /passwd HTTP/1.0\r\n\r\n");
  await client.until(0, (text) => text.includes("root:"));
  client.close();
});

test("a port that nobody listens on is told on the connection's error channel", async () => {
  const client = await forward(81);
  const text = await client.until(1, (error) => error.includes("refused"));
  expect(text.slice(2)).toMatch(/^error forwarding port 81 to pod [0-9a-f]{64}: failed to connect/);
});

test("a pod with the host's network is reached on the host", async () => {
  const { podSandboxId: id } = await h.runPod({
    linux: { securityContext: { namespaceOptions: { network: 2 } } },
  });
  const client = await forward((hostServer.address() as AddressInfo).port, id);
  client.send(0, "GET / HTTP/1.0\r\n\r\n");
  await client.until(0, (text) => text.endsWith("the host"));
  client.close();
});

test("port-forward to a pod that is stopped or unknown is refused", async () => {
  const { podSandboxId: id } = await h.runPod();
  await h.cri.runtime.stopPodSandbox({ podSandboxId: id });
  await expect(h.cri.runtime.portForward({ podSandboxId: id })).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
  });
  await h.cri.runtime.removePodSandbox({ podSandboxId: id });
  await expect(h.cri.runtime.portForward({ podSandboxId: id })).rejects.toMatchObject({
    code: "NOT_FOUND",
  });
});

test("no file descriptor is left of any of this", async () => {
  const open = (): number => readdirSync("/proc/self/fd").length;
  const rounds = async (): Promise<void> => {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const [client, refused] = await Promise.all([exec("echo x"), forward(81)]);
        await client.status();
        await refused.until(1, (text) => text.includes("refused"));
        refused.close();
      }),
    );
  };
  await rounds();
  await until(async () => open() < 200);
  const before = open();
  await rounds();
  await until(() => open() <= before);
});
