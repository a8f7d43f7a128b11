import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { type CriClient, createCriClient } from "@dockershim/cri-client";
import { startPlugin } from "@dockershim/nri";
import { type Daemon, labFlags, labVariable, startDaemon, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { labConfig } from "../../lab/config.ts";
import { hostArchitecture } from "../architecture.ts";
import { bundleProgram } from "../bundle.ts";
import { makeExecutable } from "../executable.ts";

const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), "executable-"));
const logLines: string[] = [];
let executable: string;
let daemon: Daemon | undefined;
let cri: CriClient | undefined;

beforeAll(async () => {
  const bundle = await bundleProgram(resolve(import.meta.dirname, "../.."));
  executable = await makeExecutable(bundle, hostArchitecture(), scratch, labConfig().cacheDir);
});

afterAll(async () => {
  cri?.close();
  await daemon?.stop();
  rmSync(scratch, { recursive: true });
});

test("the executable needs no file beside itself, and takes none of Node's options", async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "executable-"));
  try {
    await run("mv", [executable, elsewhere]);
    const moved = join(elsewhere, "dockershim");
    const { stdout } = await run(moved, ["--version"], {
      cwd: "/",
      env: { NODE_OPTIONS: "--version-is-no-such-option" },
    });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    await run("mv", [moved, executable]);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});

test("under the name of cri-dockerd it takes that one's flags", async () => {
  const link = join(scratch, "cri-dockerd");
  symlinkSync(executable, link);
  const { stdout } = await run(link, ["--version"]);
  expect(stdout).toMatch(/^cri-dockerd \d+\.\d+\.\d+ \(dockershim\)\n$/);
  await expect(run(link, ["serve"])).rejects.toMatchObject({ code: 2 });
});

test("a pod runs on it, with an NRI plugin and the threads for logs and network namespaces", async () => {
  const nriSocket = join(scratch, "nri.sock");
  daemon = await startDaemon({
    executable,
    listen: `unix://${join(scratch, "dockershim.sock")}`,
    flags: {
      "root-dir": join(scratch, "root"),
      "nri-socket": nriSocket,
      "nri-plugin-dir": join(scratch, "none"),
      ...labFlags({
        LAB_DOCKER_ENDPOINT: labVariable("LAB_DOCKER_ENDPOINT"),
        LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
        LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
      }),
    },
    onLine: (line) => logLines.push(line),
  });
  cri = createCriClient({ endpoint: daemon.endpoint });
  const { runtime } = cri;
  const adjust = { env: [{ key: "WORD", value: "served" }] };
  const identity = { index: "10", name: "test" };
  const synchronized = Promise.withResolvers<void>();
  const plugin = await startPlugin(connect(nriSocket), identity, {
    createContainer: () => ({ adjust }),
    synchronize: () => {
      synchronized.resolve();
      return [];
    },
  });
  await synchronized.promise;
  const sandboxConfig = {
    metadata: { name: "executable", namespace: "default", uid: "executable-1", attempt: 0 },
    logDirectory: join(scratch, "logs"),
    linux: {},
  };
  const { podSandboxId } = await runtime.runPodSandbox({ config: sandboxConfig });
  try {
    const { containerId } = await runtime.createContainer({
      podSandboxId,
      sandboxConfig,
      config: {
        metadata: { name: "web", attempt: 0 },
        image: { image: labVariable("LAB_IMAGE") },
        command: ["sh", "-c", "echo $WORD >&2; exec httpd -f -v -h /etc -p 127.0.0.1:7001"],
        logPath: "web.log",
        linux: {},
      },
    });
    await runtime.startContainer({ containerId });
    const log = join(scratch, "logs/web.log");
    expect(await until(() => readFileSync(log, "utf8").includes("stderr F served"))).toBe(true);

    // The server may still be about to listen.
    const reply = await until(async () => {
      const { url } = await runtime.portForward({ podSandboxId, port: [7001] });
      const text = await getThrough(url, "/passwd");
      return text.includes("root:") && text;
    });
    expect(reply).toContain("200 OK");
    // The way through socat would have worked too.
    expect(logLines.join("\n")).not.toContain("socat");

    // What these commands load is in it too.
    const { endpoint } = daemon;
    const there = join(scratch, "passwd");
    await run(executable, ["cp", "executable:/etc/passwd", there, "-r", endpoint]);
    expect(readFileSync(there, "utf8")).toContain("root:");
    await run(executable, ["cp", there, "executable:/tmp/copy", "-r", endpoint]);
    const timeline = await run(executable, ["timeline", "executable", "-r", endpoint]);
    expect(timeline.stdout).toContain("RunPodSandbox");
    // script(1) of util-linux gives it a terminal; a shell left between would end of the Ctrl-C itself.
    const top = ["-qec", `exec ${executable} top -r ${endpoint}`, "/dev/null"];
    const screen = execFile("script", top);
    let drawn = "";
    screen.stdout?.on("data", (data) => {
      drawn += data;
    });
    await until(() => drawn.includes("executable"));
    // The log of the pod's container, by the same executable.
    screen.stdin?.write("l");
    await until(() => drawn.includes("served"));
    screen.stdin?.write("\x03");
    await until(() => drawn.lastIndexOf("\x1b[?1049h") > drawn.lastIndexOf("served"));
    screen.stdin?.write("q");
    expect(await once(screen, "close")).toEqual([0, null]);
  } finally {
    plugin.close();
    await runtime.stopPodSandbox({ podSandboxId });
    await runtime.removePodSandbox({ podSandboxId });
  }
});

/** What a GET over a forwarded port brings, or the error that the forwarding tells. */
async function getThrough(url: string, path: string): Promise<string> {
  const socket = new WebSocket(url, "v4.channel.k8s.io");
  let text = "";
  socket.on("message", (data: Buffer) => {
    text += data.subarray(1).toString("latin1");
    if (/root:|refused/.test(text)) socket.close();
  });
  await once(socket, "open");
  socket.send(Buffer.from(`\0GET ${path} HTTP/1.0\r\n\r\n`));
  await once(socket, "close");
  return text;
}
