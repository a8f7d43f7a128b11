import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { createPullWatches } from "../src/image/pull-progress.js";

const downloading = (id: string, current: number) => ({
  id,
  status: "Downloading",
  progressDetail: { current, total: 100 },
});
const layer = (id: string, status: string) => ({ id, status, progressDetail: {} });

describe("the watch of a pull", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test("fires when nothing is heard at all", () => {
    const watch = createPullWatches(1000)();
    jest.advanceTimersByTime(999);
    expect(watch.signal.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(watch.signal.aborted).toBe(true);
    expect(watch.last).toBe("nothing");
  });

  test("starts anew with the progress of any layer", () => {
    const watch = createPullWatches(1000)();
    for (let at = 0; at < 10; at++) {
      watch.report(downloading(at % 2 === 0 ? "a" : "b", at));
      jest.advanceTimersByTime(900);
    }
    expect(watch.signal.aborted).toBe(false);
    jest.advanceTimersByTime(100);
    expect(watch.signal.aborted).toBe(true);
    expect(watch.last).toBe("b: Downloading 9");
  });

  test("is not taken in by an engine that repeats itself", () => {
    const watch = createPullWatches(1000)();
    for (let at = 0; at < 10; at++) {
      watch.report(downloading("a", 50));
      watch.report(layer("b", "Download complete"));
      jest.advanceTimersByTime(100);
    }
    expect(watch.signal.aborted).toBe(true);
  });

  test("leaves time to unpack what was transferred", () => {
    const watch = createPullWatches(1000)();
    watch.report({ id: "1.0", status: "Pulling from lab/image" });
    watch.report(layer("a", "Already exists"));
    watch.report(layer("b", "Extracting"));
    jest.advanceTimersByTime(9_000);
    expect(watch.signal.aborted).toBe(false);
    jest.advanceTimersByTime(1_000);
    expect(watch.signal.aborted).toBe(true);
  });

  test("does not wait longer because one layer of several is being unpacked", () => {
    const watch = createPullWatches(1000)();
    watch.report(layer("a", "Extracting"));
    watch.report(downloading("b", 1));
    jest.advanceTimersByTime(1000);
    expect(watch.signal.aborted).toBe(true);
  });

  test("goes on while its layers wait for the downloads of another pull", () => {
    const start = createPullWatches(1000);
    const busy = start();
    const queued = start();
    const stalled = start();
    queued.report(layer("q", "Waiting"));
    stalled.report(layer("s", "Waiting"));
    // Its turn came, but not a byte.
    stalled.report(layer("s", "Pulling fs layer"));
    for (let at = 0; at < 5; at++) {
      busy.report(downloading("a", at));
      jest.advanceTimersByTime(500);
    }
    expect(queued.signal.aborted).toBe(false);
    expect(stalled.signal.aborted).toBe(true);
    busy.stop();
    jest.advanceTimersByTime(1000);
    expect(queued.signal.aborted).toBe(true);
    expect(busy.signal.aborted).toBe(false);
  });

  test("never fires without a deadline", () => {
    const watch = createPullWatches(0)();
    watch.report(downloading("a", 1));
    jest.advanceTimersByTime(1_000_000_000);
    expect(watch.signal.aborted).toBe(false);
  });
});
