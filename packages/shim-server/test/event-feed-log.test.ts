import { DockerError, type EventStreamItem } from "@dockershim/docker-client";
import { expect, test } from "@jest/globals";
import { pino } from "pino";
import { createEngine } from "../src/state/engine.js";
import { startEventFeed } from "../src/state/event-feed.js";
import { createExecExits } from "../src/state/exec-exits.js";

const away = (reason: string): EventStreamItem => ({
  kind: "disconnected",
  error: new DockerError({
    code: "unavailable",
    operation: "events",
    engineMessage: "cannot connect",
    cause: Object.assign(new Error(reason), { code: reason }),
  }),
});
const back: EventStreamItem = { kind: "connected", reconnected: false, since: 0n };

/** The lines of a feed that goes through these events, and cannot read anything. */
async function linesOf(...items: EventStreamItem[]) {
  const lines: { level: number; msg: string; hint?: string; error?: string }[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const unavailable = async () => {
    throw new DockerError({ code: "unavailable", operation: "info", engineMessage: "away" });
  };
  const over = Promise.withResolvers<void>();
  const feed = startEventFeed({
    docker: {
      async *events() {
        yield* items;
        over.resolve();
      },
    },
    engine: createEngine(
      { info: unavailable, version: unavailable, apiVersion: unavailable },
      { restrictOomScoreAdj: "false", dockerEndpoint: "unix:///nowhere" },
    ),
    store: { resync: unavailable } as never,
    images: { refresh: unavailable } as never,
    execExits: createExecExits(),
    onSynced: () => undefined,
    log,
  });
  await over.promise;
  await feed.stop();
  return lines;
}

test("an engine that is away is told once, with what to do", async () => {
  expect(await linesOf(away("ENOENT"))).toEqual([
    expect.objectContaining({
      level: 40,
      msg: "Docker is not reachable",
      error: "cannot connect",
      hint: expect.stringMatching(/^start Docker .*--docker-endpoint/),
    }),
  ]);
});

test("an engine that only root may talk to is told so", async () => {
  const [line] = await linesOf(away("EACCES"));
  expect(line?.hint).toBe("run dockershim as root");
});

test("an engine that comes back is told, and one that was never away is not", async () => {
  const messages = async (...items: EventStreamItem[]) =>
    (await linesOf(...items)).map(({ msg }) => msg);
  expect(await messages(away("ENOENT"), back, away("ENOENT"))).toEqual([
    "Docker is not reachable",
    "Docker is reachable again",
    "Docker is not reachable",
  ]);
  expect(await messages(back, away("ENOENT"))).toEqual(["Docker is not reachable"]);
});
