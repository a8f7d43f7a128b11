import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { ConnectionWatch } from "../src/connection-watch.js";

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function watch(idleTimeoutMs: number) {
  const onIdle = jest.fn();
  const probe = jest.fn();
  return { onIdle, probe, watched: new ConnectionWatch({ idleTimeoutMs, onIdle, probe }) };
}

describe("ConnectionWatch", () => {
  test("tells of a connection that is idle, counting from its last sign of life", () => {
    const { onIdle, watched } = watch(1000);
    jest.advanceTimersByTime(999);
    watched.touch();
    jest.advanceTimersByTime(999);
    expect(onIdle).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(onIdle).toHaveBeenCalledTimes(1);
  });

  test("never tells where the timeout is 0", () => {
    const { onIdle, watched } = watch(0);
    jest.advanceTimersByTime(1e9);
    expect(onIdle).not.toHaveBeenCalled();
    watched.stop();
  });

  test("probes a stalled connection every two seconds until it is read again", () => {
    const { probe, watched } = watch(0);
    watched.setStalled(true);
    watched.setStalled(true);
    jest.advanceTimersByTime(4_000);
    expect(probe).toHaveBeenCalledTimes(2);
    watched.setStalled(false);
    jest.advanceTimersByTime(600_000);
    expect(probe).toHaveBeenCalledTimes(2);
  });

  test("leaves no timer once stopped", () => {
    const { onIdle, probe, watched } = watch(1000);
    watched.setStalled(true);
    watched.stop();
    jest.advanceTimersByTime(1e9);
    expect(onIdle).not.toHaveBeenCalled();
    expect(probe).not.toHaveBeenCalled();
  });
});
