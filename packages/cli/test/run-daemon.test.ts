import { EventEmitter } from "node:events";
import type { Shim, ShimOptions } from "@dockershim/shim-server";
import { expect, jest, test } from "@jest/globals";
import { runDaemon } from "../src/serve/run-daemon.js";

/** A daemon under control: what start() and close() do is up to the test. */
function setUp(closeDeadlineMs = 5_000) {
  const signals = new EventEmitter();
  const exit = jest.fn<(code: number) => void>();
  const onForcedEnd = jest.fn<() => void>();
  const started = Promise.withResolvers<Shim>();
  const closing = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const reloaded = jest.fn<(options: Partial<ShimOptions>) => void>();
  const readOptions = jest.fn(async (): Promise<Partial<ShimOptions>> => ({ logLevel: "debug" }));
  const onReloadFailed = jest.fn<(reason: unknown) => void>();
  const shim = {
    endpoint: "unix:///x",
    status: async () => ({ sandboxes: 0, containers: 0, unready: [] }),
    reload: async (options: Partial<ShimOptions>) => {
      reloaded(options);
      return { applied: [], needRestart: [] };
    },
    close: jest.fn(() => {
      closing.resolve();
      return closed.promise;
    }),
  };
  const run = runDaemon(() => started.promise, {
    signals,
    exit,
    onForcedEnd,
    closeDeadlineMs,
    readOptions,
    onReloadFailed,
  });
  return {
    signals,
    exit,
    started,
    shim,
    closing,
    closed,
    run,
    reloaded,
    readOptions,
    onReloadFailed,
  };
}

test.each(["SIGTERM", "SIGINT"])("%s closes the daemon and ends the run", async (signal) => {
  const { signals, started, shim, closing, closed, run, exit } = setUp();
  started.resolve(shim);
  signals.emit(signal);
  await closing.promise;
  closed.resolve();
  await run;
  expect(exit).not.toHaveBeenCalled();
  expect(signals.eventNames()).toEqual([]);
});

test("a signal before the daemon is up closes it as soon as it is, and the run waits for that", async () => {
  const { signals, started, shim, closing, closed, run, exit } = setUp();
  let over = false;
  const ended = run.then(() => {
    over = true;
  });
  signals.emit("SIGTERM");
  started.resolve(shim);
  await Promise.race([closing.promise, ended]);
  expect(shim.close).toHaveBeenCalledTimes(1);
  // Whatever could end the run by now has had its turn.
  await new Promise(setImmediate);
  expect(over).toBe(false);
  closed.resolve();
  await ended;
  expect(exit).not.toHaveBeenCalled();
  expect(signals.eventNames()).toEqual([]);
});

test("a second signal ends the process at once", async () => {
  const { signals, started, shim, closing, closed, run, exit } = setUp();
  started.resolve(shim);
  signals.emit("SIGTERM");
  await closing.promise;
  signals.emit("SIGINT");
  expect(exit).toHaveBeenCalledWith(130);
  closed.resolve();
  await run;
});

test("a daemon that does not close in time is an error", async () => {
  const { signals, started, shim, run } = setUp(10);
  started.resolve(shim);
  signals.emit("SIGTERM");
  await expect(run).rejects.toThrow("did not close within 0.01 s");
});

test("a daemon that does not come up is an error, and leaves no listener behind", async () => {
  const { signals, started, run } = setUp();
  started.reject(new Error("the socket is in use"));
  await expect(run).rejects.toThrow("the socket is in use");
  expect(signals.eventNames()).toEqual([]);
});

test("SIGHUP reads the options again and reloads, also one that comes before the daemon is up", async () => {
  const { signals, started, shim, closed, run, reloaded } = setUp();
  const seen = Promise.withResolvers<void>();
  reloaded.mockImplementation(() => seen.resolve());
  signals.emit("SIGHUP");
  started.resolve(shim);
  await seen.promise;
  expect(reloaded).toHaveBeenCalledWith({ logLevel: "debug" });
  closed.resolve();
  signals.emit("SIGTERM");
  await run;
  expect(signals.eventNames()).toEqual([]);
});

test("a reload of options that cannot be read is told, and the daemon goes on", async () => {
  const { signals, started, shim, closed, run, readOptions, reloaded, onReloadFailed } = setUp();
  started.resolve(shim);
  const broken = new Error("line 3: no such key");
  const told = Promise.withResolvers<void>();
  readOptions.mockRejectedValueOnce(broken);
  onReloadFailed.mockImplementation(() => told.resolve());
  signals.emit("SIGHUP");
  await told.promise;
  expect(onReloadFailed).toHaveBeenCalledWith(broken);
  expect(reloaded).not.toHaveBeenCalled();
  const again = Promise.withResolvers<void>();
  reloaded.mockImplementation(() => again.resolve());
  signals.emit("SIGHUP");
  await again.promise;
  closed.resolve();
  signals.emit("SIGTERM");
  await run;
});
