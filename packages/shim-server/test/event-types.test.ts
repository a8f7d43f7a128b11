import { ContainerEventType as Event } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import { eventTypes } from "../src/events/event-types.js";
import type { StoreRecord } from "../src/state/records.js";

function record(status: string, startedAt = "2026-11-01T00:00:00Z"): StoreRecord {
  return { inspect: { State: { Status: status, StartedAt: startedAt } } } as StoreRecord;
}
const created = record("created", "0001-01-01T00:00:00Z");
const running = record("running");
const exited = record("exited");
const neverStarted = record("created", "0001-01-01T00:00:00Z");
const failedToStart = record("exited", "0001-01-01T00:00:00Z");

test.each<[string, StoreRecord | undefined, StoreRecord | undefined, Event[]]>([
  ["a new one", undefined, created, [Event.CONTAINER_CREATED_EVENT]],
  ["a start", created, running, [Event.CONTAINER_STARTED_EVENT]],
  ["an end", running, exited, [Event.CONTAINER_STOPPED_EVENT]],
  ["a removal", exited, undefined, [Event.CONTAINER_DELETED_EVENT]],
  ["no change of state", running, running, []],
  ["a pause", running, record("paused"), []],
  [
    "a new one that runs already",
    undefined,
    running,
    [Event.CONTAINER_CREATED_EVENT, Event.CONTAINER_STARTED_EVENT],
  ],
  [
    "a run so short that nobody saw it",
    neverStarted,
    exited,
    [Event.CONTAINER_STARTED_EVENT, Event.CONTAINER_STOPPED_EVENT],
  ],
  ["a start that failed", created, failedToStart, [Event.CONTAINER_STOPPED_EVENT]],
])("%s", (_what, before, after, expected) => {
  expect(eventTypes(before, after)).toEqual(expected);
});
