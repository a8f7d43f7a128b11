import { expect, test } from "@jest/globals";
import { createLogLagMemory, createLogLagRecorder, readLogLag } from "../src/log-lag.js";

test("the lag is that of the container that has been behind longest, and ends when it has caught up", () => {
  const memory = createLogLagMemory();
  let now = 1_000;
  const recorder = createLogLagRecorder(memory, () => now);
  expect(readLogLag(memory, now)).toEqual({ containers: 0, seconds: 0 });
  recorder.behind("a");
  now = 3_000;
  recorder.behind("b");
  // Still behind is not behind anew.
  recorder.behind("a");
  expect(readLogLag(memory, 4_000)).toEqual({ containers: 2, seconds: 3 });
  recorder.caughtUp("a");
  expect(readLogLag(memory, 4_000)).toEqual({ containers: 1, seconds: 1 });
  recorder.caughtUp("b");
  recorder.caughtUp("b");
  expect(readLogLag(memory, 4_000)).toEqual({ containers: 0, seconds: 0 });
});
