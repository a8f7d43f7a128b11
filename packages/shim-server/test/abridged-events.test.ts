import type { EngineEvent, EventStreamItem, EventStreamOptions } from "@dockershim/docker-client";
import { TYPE_LABEL } from "@dockershim/pod-sandbox";
import { until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import { pino } from "pino";
import { type EventFeedOptions, startEventFeed } from "../src/state/event-feed.js";

/** What the feed does of its own accord upon these events. */
async function actionsUpon(...events: Partial<EngineEvent>[]): Promise<string[]> {
  const actions: string[] = [];
  let told = 0;
  async function* stream(signal: AbortSignal | undefined): AsyncGenerator<EventStreamItem> {
    for (const event of events) {
      const whole = { Type: "container", Action: "start", time: 0, timeNano: 0n, ...event };
      yield { kind: "event", event: { Actor: { ID: "c", Attributes: {} }, ...whole } };
      told++;
    }
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
  }
  const feed = startEventFeed({
    docker: { events: (options?: EventStreamOptions) => stream(options?.signal) },
    store: {
      refresh: async (id: string) => void actions.push(`refresh ${id}`),
      forget: (id: string) => actions.push(`forget ${id}`),
      container: () => undefined,
    },
    execExits: { report: (id: string, code: number) => actions.push(`exec ${id} ${code}`) },
    log: pino({ level: "silent" }),
    onSynced: () => undefined,
  } as unknown as EventFeedOptions);
  await until(() => told === events.length);
  await feed.stop();
  return actions;
}

test("an event of somebody else's container costs nothing", async () => {
  expect(await actionsUpon({}, { Action: "destroy" })).toEqual([]);
});

test("an abridged one is looked after, as our label may be what was left out", async () => {
  expect(await actionsUpon({ abridged: true }, { Action: "destroy", abridged: true })).toEqual([
    "refresh c",
    "forget c",
  ]);
});

test("an exit whose code was left out is not reported: whoever waits asks the engine", async () => {
  const Action = "exec_die";
  const labels = { [TYPE_LABEL]: "container", execID: "e" };
  expect(
    await actionsUpon(
      { Action, Actor: { ID: "c", Attributes: { ...labels, exitCode: "3" } } },
      { Action, abridged: true, Actor: { ID: "c", Attributes: labels } },
      { Action, abridged: true },
    ),
  ).toEqual(["exec e 3"]);
});
