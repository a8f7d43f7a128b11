import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { bin, runBin, startBin } from "./dockershim-bin.js";

let dir: string;
let child: ReturnType<typeof startBin> | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-serve-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  child = undefined;
  await rm(dir, { recursive: true });
});

/** Starts a daemon whose engine is away, and waits until it serves. */
const serve = (...args: string[]) => serveWith({}, ...args);

async function serveWith(env: Readonly<Record<string, string>>, ...args: string[]) {
  const started = startBin(
    [
      "serve",
      ...["--docker-endpoint", `unix://${dir}/no-docker.sock`],
      ...["--root-dir", join(dir, "root"), "--network-plugin", "none"],
      ...args,
    ],
    env,
  );
  child = started;
  for await (const line of createInterface({ input: started.stdout })) {
    if (JSON.parse(line).msg === "ready") break;
  }
  started.stdout.resume();
  return started;
}

test.each(["SIGTERM", "SIGINT"] as const)("a daemon ends with code 0 after %s", async (signal) => {
  const socket = join(dir, "cri.sock");
  const daemon = await serve("--listen", `unix://${socket}`);
  daemon.kill(signal);
  expect(await once(daemon, "exit")).toEqual([0, null]);
  await expect(stat(socket)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a daemon ends although all of Node's threads for files hang", async () => {
  // Its data directory may be on a server that is away; a FIFO that nobody writes to hangs alike.
  const fifo = join(dir, "fifo");
  execFileSync("mkfifo", [fifo]);
  const hang = join(dir, "hang.mjs");
  await writeFile(
    hang,
    `import { readFile } from "node:fs";
     const hang = () => readFile(${JSON.stringify(fifo)}, () => {});
     process.once("SIGTERM", () => Array.from({ length: 8 }, hang));`,
  );
  const daemon = await serveWith(
    { NODE_OPTIONS: `--import=${hang}` },
    "--listen",
    `unix://${dir}/cri.sock`,
  );
  let output = "";
  daemon.stdout.on("data", (chunk) => {
    output += chunk;
  });
  daemon.kill("SIGTERM");
  // Jest's own limit ends what hangs.
  expect(await once(daemon, "close")).toEqual([null, "SIGKILL"]);
  expect(output).toContain("something still runs, the process ends without it");
});

test("a daemon ends although something keeps its event loop alive: code 0", async () => {
  const hang = join(dir, "hang.mjs");
  await writeFile(hang, `process.once("SIGTERM", () => setInterval(() => {}, 1000));`);
  const daemon = await serveWith(
    { NODE_OPTIONS: `--import=${hang}` },
    "--listen",
    `unix://${dir}/cri.sock`,
  );
  daemon.kill("SIGTERM");
  expect(await once(daemon, "exit")).toEqual([0, null]);
});

test("a flag comes before the file, and the file before the default", async () => {
  const config = join(dir, "config.yaml");
  await writeFile(config, `listen: unix://${dir}/file.sock\nlogLevel: info\n`);
  await serve("--config", config);
  expect((await stat(join(dir, "file.sock"))).isSocket()).toBe(true);
  child?.kill("SIGKILL");
  await serve("--config", config, "--listen", `unix://${dir}/flag.sock`);
  expect((await stat(join(dir, "flag.sock"))).isSocket()).toBe(true);
});

test("a daemon that cannot start says why in one line: code 1", async () => {
  await writeFile(join(dir, "file"), "");
  const { stderr, code } = await runBin([
    "serve",
    ...["--listen", `unix://${dir}/file`, "--root-dir", join(dir, "root")],
    ...["--docker-endpoint", `unix://${dir}/no-docker.sock`, "--network-plugin", "none"],
  ]);
  expect(stderr).toMatch(/^dockershim: listen: .*\/file exists and is not a socket\n$/);
  expect(code).toBe(1);
});

test("with Docker away the log tells it once, with no stack, and not for each call", async () => {
  const socket = `unix://${dir}/cri.sock`;
  const daemon = startBin([
    "serve",
    ...["--docker-endpoint", `unix://${dir}/no-docker.sock`, "--root-dir", join(dir, "root")],
    ...["--cni-conf-dir", join(dir, "net.d"), "--listen", socket],
  ]);
  child = daemon;
  const lines: string[] = [];
  const output = createInterface({ input: daemon.stdout }).on("line", (line) => lines.push(line));
  while (!lines.some((line) => line.includes('"msg":"ready"'))) await once(output, "line");
  for (let call = 0; call < 5; call++) {
    const { stderr, code } = await runBin(["pods", "-r", socket]);
    expect(stderr).toMatch(/^dockershim: ListPodSandbox: Docker Engine is out of reach: .*\n$/);
    expect(code).toBe(1);
  }
  daemon.kill("SIGTERM");
  await once(output, "close");
  const records = lines.map((line) => JSON.parse(line));
  expect(lines.join("\n")).not.toContain('"stack"');
  expect(records.filter(({ level }) => level === "warn")).toEqual([
    expect.objectContaining({
      msg: "there is no pod network yet",
      error: `no network configuration in ${dir}/net.d`,
      hint: expect.stringContaining("--cni-conf-dir"),
    }),
    expect.objectContaining({
      msg: "Docker is not reachable",
      error: expect.stringMatching(/no-docker\.sock: there is no such socket$/),
      hint: expect.stringContaining("start Docker"),
    }),
    expect.objectContaining({
      msg: "ready",
      endpoint: socket,
      waitingFor: [
        expect.stringMatching(/^Docker Engine is out of reach: /),
        `no network configuration in ${dir}/net.d`,
      ],
    }),
  ]);
});

test("on a terminal the log is for people", async () => {
  const flags = [
    ...["--docker-endpoint", `unix://${dir}/no-docker.sock`, "--root-dir", join(dir, "root")],
    ...["--cni-conf-dir", join(dir, "net.d"), "--listen", `unix://${dir}/cri.sock`],
  ];
  // script(1) of util-linux gives it a terminal.
  const session = spawn(
    "script",
    [
      "--quiet",
      "--return",
      "--command",
      [process.execPath, bin, "serve", ...flags].join(" "),
      "/dev/null",
    ],
    { stdio: ["pipe", "pipe", "inherit"], env: { PATH: process.env.PATH ?? "", NO_COLOR: "1" } },
  );
  let printed = "";
  let interrupted = false;
  for await (const chunk of session.stdout) {
    printed += chunk;
    // Ctrl-C, when it has said all.
    if (!interrupted && printed.includes("see how it is with")) {
      interrupted = session.stdin.write("\x03");
    }
  }
  expect(printed).toMatch(/^\[\d\d:\d\d:\d\d\] WARN: there is no pod network yet: /);
  expect(printed).toMatch(/WARN: Docker is not reachable: .*\r\n {4}→ start Docker/);
  expect(printed).toMatch(/WARN: dockershim .* serves CRI on .*, but pods have to wait:\r\n/);
  expect(printed).toMatch(/INFO: stopped/);
  expect(printed).not.toContain('{"level"');
});
