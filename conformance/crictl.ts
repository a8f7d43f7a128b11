import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { promisify } from "node:util";
import type { Outcome } from "./outcome.ts";

const run = promisify(execFile);

/** What to run crictl with. */
export interface CrictlOptions {
  readonly program: string;
  readonly endpoint: string;
  /** Where pod configs and logs go. */
  readonly folder: string;
  readonly image: string;
  /** An image to pull and to remove again. */
  readonly pullImage: string;
}

function expect(what: boolean, message: string): void {
  if (!what) throw new Error(message);
}

/** The ids and states that a session of an operator goes through; each step builds upon those before. */
interface Session {
  crictl(...args: string[]): Promise<string>;
  readonly podFile: string;
  readonly containerFile: string;
  readonly options: CrictlOptions;
  pod: string;
  container: string;
}

type Step = readonly [name: string, step: (session: Session) => Promise<void>];

const steps: readonly Step[] = [
  [
    "version",
    async ({ crictl }) => expect(/RuntimeName: +docker/.test(await crictl("version")), "no name"),
  ],
  [
    "info",
    async ({ crictl }) => {
      const { status, runtimeHandlers } = JSON.parse(await crictl("info"));
      expect(
        status.conditions.every((condition: { status: boolean }) => condition.status),
        `conditions ${JSON.stringify(status.conditions)}`,
      );
      expect(runtimeHandlers.length > 0, "no runtime handlers");
    },
  ],
  [
    "pull, images, inspecti, rmi",
    async ({ crictl, options: { pullImage } }) => {
      await crictl("pull", pullImage);
      const { status } = JSON.parse(await crictl("inspecti", pullImage));
      const [repository] = pullImage.split(/:(?=[^/:]*$)/);
      expect((await crictl("images")).includes(repository ?? pullImage), "not in the list");
      await crictl("rmi", pullImage);
      expect(!(await crictl("images", "-q", "--no-trunc")).includes(status.id), "still there");
    },
  ],
  [
    "runp",
    async (session) => {
      session.pod = (await session.crictl("runp", session.podFile)).trim();
      const pods = await session.crictl("pods", "-q", "--no-trunc", "--state", "ready");
      expect(pods.includes(session.pod), "the pod is not listed as ready");
    },
  ],
  [
    "inspectp",
    async ({ crictl, pod }) => {
      const { status } = JSON.parse(await crictl("inspectp", pod));
      expect(/^\d+\./.test(status.network.ip), `the pod's IP is "${status.network.ip}"`);
    },
  ],
  [
    "create, start, ps",
    async (session) => {
      const { crictl, pod, containerFile, podFile } = session;
      session.container = (await crictl("create", pod, containerFile, podFile)).trim();
      await crictl("start", session.container);
      const running = await crictl("ps", "-q", "--no-trunc", "--state", "running", "--pod", pod);
      expect(running.trim() === session.container, `running: ${running}`);
    },
  ],
  [
    "inspect",
    async ({ crictl, container }) => {
      const { status, info } = JSON.parse(await crictl("inspect", container));
      expect(status.state === "CONTAINER_RUNNING", `state ${status.state}`);
      expect(info.pid > 0, "no pid in the verbose info");
    },
  ],
  [
    "exec -s",
    async ({ crictl, container }) => {
      const said = await crictl("exec", "-s", container, "echo", "synchronous");
      // crictl puts newlines of its own after each of the two streams.
      expect(said.trim() === "synchronous", `said ${JSON.stringify(said)}`);
    },
  ],
  [
    "exec",
    async ({ crictl, container }) => {
      const said = await crictl("exec", container, "echo", "streamed");
      expect(said === "streamed\n", `said ${JSON.stringify(said)}`);
    },
  ],
  [
    "update",
    async ({ crictl, container }) => {
      await crictl("update", "--cpu-share", "512", container);
      const { status } = JSON.parse(await crictl("inspect", container));
      const { linux } = status.resources;
      expect(Number(linux.cpuShares) === 512, `resources ${JSON.stringify(linux)}`);
    },
  ],
  [
    "stats",
    async ({ crictl, container }) => {
      const { stats } = JSON.parse(await crictl("stats", "-o", "json", "--id", container));
      expect(Number(stats[0]?.memory?.workingSetBytes?.value) > 0, "no working set");
    },
  ],
  [
    "stop, logs",
    async ({ crictl, container }) => {
      await crictl("stop", "--timeout", "0", container);
      const log = await crictl("logs", container);
      expect(log === "hello\n", `the log is ${JSON.stringify(log)}`);
    },
  ],
  [
    "rm",
    async ({ crictl, container }) => {
      await crictl("rm", container);
      expect(!(await crictl("ps", "-a", "-q", "--no-trunc")).includes(container), "still listed");
    },
  ],
  [
    "stopp, rmp",
    async ({ crictl, pod }) => {
      await crictl("stopp", pod);
      await crictl("rmp", pod);
      expect(!(await crictl("pods", "-q", "--no-trunc")).includes(pod), "still listed");
    },
  ],
];

/** Goes through an operator's session with crictl. */
export async function runCrictl(options: CrictlOptions): Promise<Outcome[]> {
  const { program, endpoint, folder, image } = options;
  const logDirectory = join(folder, "crictl-logs");
  mkdirSync(logDirectory, { recursive: true });
  const podFile = join(folder, "pod.json");
  const containerFile = join(folder, "container.json");
  const metadata = { name: "crictl", namespace: "conformance", uid: `crictl-${process.pid}` };
  writeFileSync(
    podFile,
    JSON.stringify({
      metadata: { ...metadata, attempt: 0 },
      log_directory: logDirectory,
      linux: {},
    }),
  );
  writeFileSync(
    containerFile,
    JSON.stringify({
      metadata: { name: "main", attempt: 0 },
      image: { image },
      command: ["sh", "-c", "echo hello; exec sleep 600"],
      log_path: "main.log",
      linux: {},
    }),
  );
  const session: Session = {
    async crictl(...args) {
      // A configuration of the machine's own must not get in.
      const own = ["--config", "/dev/null", "--runtime-endpoint", endpoint, "--timeout", "60s"];
      const all = [...own, "--image-endpoint", endpoint, ...args];
      return (await run(program, all, { timeout: 90_000 })).stdout;
    },
    podFile,
    containerFile,
    options,
    pod: "",
    container: "",
  };
  const outcomes: Outcome[] = [];
  for (const [name, step] of steps) {
    const begin = performance.now();
    const reason = await step(session).then(
      () => "",
      (error: Error & { stderr?: string }) => (error.stderr || error.message).trim(),
    );
    outcomes.push({
      name: `crictl ${name}`,
      state: reason === "" ? "passed" : "failed",
      reason: reason.replace(/\s+/g, " "),
      seconds: (performance.now() - begin) / 1000,
    });
  }
  return outcomes;
}
