import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { pino } from "pino";
import { defaultShimOptions, type ShimOptions } from "../src/options.js";
import { ShimError } from "../src/shim-error.js";
import { createReload } from "../src/start/reload.js";

const front = { moveOperations: jest.fn<(address: string) => Promise<void>>() };
const network = {
  refresh: jest.fn<() => Promise<void>>(),
  setPodCidr: jest.fn<(cidr: string) => void>(),
};
const setLogLevel = jest.fn<(level: string) => void>();
afterEach(() => void jest.resetAllMocks());

function reloadOf(started: Partial<ShimOptions> = {}) {
  const options = { ...defaultShimOptions, ...started };
  const log = pino({ level: "silent" });
  const reload = createReload(options, { front, network, setLogLevel, log });
  return (changes: Partial<ShimOptions>) => reload({ ...options, ...changes });
}

describe("a reload", () => {
  test("without a change looks at CNI's configuration alone", async () => {
    expect(await reloadOf()({})).toEqual({ applied: [], needRestart: [] });
    expect(network.refresh).toHaveBeenCalledTimes(1);
    expect(setLogLevel).not.toHaveBeenCalled();
  });

  test("puts log level, pod CIDR and metrics address in force, once", async () => {
    const reload = reloadOf({ metricsBindAddr: "127.0.0.1:1" });
    const changes: Partial<ShimOptions> = {
      logLevel: "debug",
      podCidr: "10.1.0.0/16",
      metricsBindAddr: "127.0.0.1:2",
    };
    expect((await reload(changes)).applied.toSorted()).toEqual([
      "logLevel",
      "metricsBindAddr",
      "podCidr",
    ]);
    expect(await reload(changes)).toEqual({ applied: [], needRestart: [] });
    expect(setLogLevel.mock.calls).toEqual([["debug"]]);
    expect(network.setPodCidr.mock.calls).toEqual([["10.1.0.0/16"]]);
    expect(front.moveOperations.mock.calls).toEqual([["127.0.0.1:2"]]);
  });

  test("names what needs a restart, metrics that were off among it", async () => {
    const outcome = await reloadOf()({ metricsBindAddr: "127.0.0.1:1", listen: "unix:///other" });
    expect(outcome).toEqual({ applied: [], needRestart: ["listen", "metricsBindAddr"] });
    expect(front.moveOperations).not.toHaveBeenCalled();
  });

  test("that fails half-way can be tried again", async () => {
    const reload = reloadOf({ metricsBindAddr: "127.0.0.1:1" });
    const taken = new ShimError("failed_precondition", "metrics-bind-addr: in use");
    front.moveOperations.mockRejectedValueOnce(taken);
    const changes = { metricsBindAddr: "127.0.0.1:2" };
    await expect(reload(changes)).rejects.toBe(taken);
    expect((await reload(changes)).applied).toEqual(["metricsBindAddr"]);
  });
});
