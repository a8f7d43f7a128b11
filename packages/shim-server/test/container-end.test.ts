import { expect, test } from "@jest/globals";
import { type ContainerEnds, containerEnd } from "../src/state/container-end.js";
import type { ContainerRecord } from "../src/state/records.js";

type State = { Status: string; StartedAt: string } | undefined;

/** A store with one container, whose state can be changed. */
function storeWith(initial: State) {
  let state = initial;
  const listeners = new Set<Parameters<ContainerEnds["onChange"]>[0]>();
  return {
    listeners,
    container: () =>
      state === undefined ? undefined : ({ inspect: { State: state } } as ContainerRecord),
    onChange(listener: Parameters<ContainerEnds["onChange"]>[0]) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    change(next: State, id = "c"): void {
      state = next;
      for (const listener of listeners) listener({ id, before: undefined, after: undefined });
    },
  };
}

const running = { Status: "running", StartedAt: "1" };
const never = new AbortController().signal;

test.each<[string, State]>([
  ["exits", { Status: "exited", StartedAt: "1" }],
  ["dies", { Status: "dead", StartedAt: "1" }],
  ["is removed", undefined],
  ["is seen running again only", { Status: "running", StartedAt: "2" }],
])("the end is told when the container %s", async (_how, end) => {
  const store = storeWith(running);
  const ended = containerEnd(store, "c", never);
  store.change(end);
  await ended;
  expect(store.listeners.size).toBe(0);
});

test.each<[string, State]>([
  ["has exited", { Status: "exited", StartedAt: "1" }],
  ["is unknown", undefined],
])("the end is told at once when the container %s", async (_how, state) => {
  await containerEnd(storeWith(state), "c", never);
});

test("a pause is no end, nor is another container's; an abort ends the wait", async () => {
  const store = storeWith(running);
  const caller = new AbortController();
  const ended = containerEnd(store, "c", caller.signal);
  store.change({ Status: "paused", StartedAt: "1" });
  store.change({ Status: "exited", StartedAt: "1" }, "other");
  caller.abort(new Error("gone"));
  await expect(ended).rejects.toThrow("gone");
  expect(store.listeners.size).toBe(0);
});

test("a wait that was aborted before it began listens to nothing", async () => {
  const store = storeWith(running);
  await expect(containerEnd(store, "c", AbortSignal.abort(new Error("gone")))).rejects.toThrow(
    "gone",
  );
  expect(store.listeners.size).toBe(0);
});
