import type { CopiedContainer, LogCopier } from "@dockershim/container-logs";
import { until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import { pino } from "pino";
import { createCriLogs } from "../src/logs/cri-logs.js";
import type { ContainerRecord } from "../src/state/records.js";

type State = "created" | "running" | "exited";

const id = "c".repeat(64);
const recordIn = (state: State): ContainerRecord =>
  ({
    id,
    inspect: {
      Id: id,
      State: { Status: state },
      Config: { Tty: false, Labels: { "io.kubernetes.container.logpath": "/logs/web/main.log" } },
    },
  }) as unknown as ContainerRecord;

/** The logs with a copier whose every task is done as `work` says. */
function logsWith(
  work: () => Promise<void>,
  settleMs = 60_000,
  info: () => Promise<unknown> = async () => ({ DockerRootDir: "/docker" }),
) {
  const tasks: string[] = [];
  const lines: string[] = [];
  const task = (kind: string) => async (container: CopiedContainer) => {
    tasks.push(`${kind} ${container.source} to ${container.target.file}`);
    await work();
  };
  const copier: LogCopier = {
    follow: task("follow"),
    settle: task("settle"),
    reopen: task("reopen"),
    async remove() {
      tasks.push("remove");
      await work();
    },
    sweep: async () => undefined,
    lag: () => ({ containers: 0, seconds: 0 }),
    close: async () => undefined,
  };
  const logs = createCriLogs({
    directory: "/nonexistent",
    engine: { info: info as () => Promise<never> },
    log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line).msg) }),
    settleMs,
    copier,
  });
  return { logs, tasks, lines };
}

const file = `/docker/containers/${id}/local-logs/container.log`;

test("a container that runs is followed once, and settled once when it has ended", async () => {
  const { logs, tasks } = logsWith(async () => undefined);
  for (const state of ["created", "running", "running", "exited", "exited"] as const) {
    await logs.beforePublish(recordIn(state));
  }
  expect(tasks).toEqual([`follow ${file} to main.log`, `settle ${file} to main.log`]);
});

test.each<[State, string]>([
  ["running", "the state is made known before there is a log"],
  ["exited", "the end is made known before the log is complete"],
])("a copier that does not answer keeps back no container that is %s", async (state, line) => {
  const { logs, lines } = logsWith(() => new Promise(() => undefined), 1);
  await logs.beforePublish(recordIn(state));
  expect(lines).toEqual([line]);
});

test("a state that comes after its container was removed has nothing copied any more", async () => {
  const { promise: info, resolve } = Promise.withResolvers<unknown>();
  const { logs, tasks } = logsWith(
    async () => undefined,
    60_000,
    () => info,
  );
  const late = logs.beforePublish(recordIn("exited"));
  await logs.removed(recordIn("exited"));
  resolve({ DockerRootDir: "/docker" });
  await late;
  expect(tasks).toEqual(["remove"]);
});

test("a copier that does not answer keeps no removal from its end", async () => {
  const { logs, tasks, lines } = logsWith(() => new Promise(() => undefined), 1);
  await logs.removed(recordIn("exited"));
  expect(tasks).toEqual(["remove"]);
  expect(lines).toEqual(["the container is gone before its log position"]);
});

test("the state is held back until the copier has answered", async () => {
  const { promise: answer, resolve } = Promise.withResolvers<void>();
  const { logs, tasks } = logsWith(() => answer);
  let published = false;
  const publishing = logs.beforePublish(recordIn("running")).then(() => {
    published = true;
  });
  await until(() => tasks.length === 1);
  expect(published).toBe(false);
  resolve();
  await publishing;
});

test.each<State>(["running", "exited"])("a failing copier keeps back no %s one", async (state) => {
  const { logs, lines } = logsWith(async () => {
    throw new Error("the disk is full");
  });
  await logs.beforePublish(recordIn(state));
  expect(lines).toEqual(["the container's log is not written at present"]);
});
