import { Signal } from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import { fromDockerSignal, toDockerSignal } from "../src/index.js";

const all = Object.values(Signal).filter((value) => typeof value === "number");

describe("stop signals", () => {
  test("survive the way to Docker and back", () => {
    for (const signal of all.filter((value) => value !== Signal.RUNTIME_DEFAULT)) {
      expect(fromDockerSignal(toDockerSignal(signal) ?? "")).toBe(signal);
    }
    expect(all).toHaveLength(66);
  });

  // CRI 0.37 spells them SIGNAL_SIGTERM, of which the generated enum keeps SIGTERM.
  test.each([
    [Signal.RUNTIME_DEFAULT, undefined],
    [Signal.SIGTERM, "SIGTERM"],
    [Signal.SIGKILL, "SIGKILL"],
    [Signal.SIGRTMIN, "SIGRTMIN"],
    [Signal.SIGRTMINPLUS3, "SIGRTMIN+3"],
    [Signal.SIGRTMAXMINUS1, "SIGRTMAX-1"],
  ])("%d is %j to Docker", (signal, name) => {
    expect(toDockerSignal(signal)).toBe(name);
  });

  test.each([
    ["", Signal.SIGTERM],
    ["SIGQUIT", Signal.SIGQUIT],
    ["quit", Signal.SIGQUIT],
    ["3", Signal.SIGQUIT],
    ["9", Signal.SIGKILL],
    ["15", Signal.SIGTERM],
    ["31", Signal.SIGSYS],
    ["34", Signal.SIGRTMIN],
    ["37", Signal.SIGRTMINPLUS3],
    ["64", Signal.SIGRTMAX],
    ["RTMIN+3", Signal.SIGRTMINPLUS3],
    ["sigrtmax-1", Signal.SIGRTMAXMINUS1],
    ["32", Signal.RUNTIME_DEFAULT],
    ["SIGNOPE", Signal.RUNTIME_DEFAULT],
    ["0", Signal.RUNTIME_DEFAULT],
  ])("%j in an image is signal %d", (text, signal) => {
    expect(fromDockerSignal(text)).toBe(signal);
  });
});
