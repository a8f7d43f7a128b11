import { ContainerState } from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import { containerLife, type InspectedState, parseTimestamp, planContainer } from "../src/index.js";
import { containerInput, inspected, running } from "./configs.js";

const startedAt = "2026-11-23T10:00:01.5Z";
const finishedAt = "2026-11-23T10:00:09.25Z";
const ended: Partial<InspectedState> = {
  ...{ Status: "exited", StartedAt: startedAt, FinishedAt: finishedAt },
};
const life = (state: Partial<InspectedState>) =>
  containerLife(inspected(planContainer(containerInput()), state));
const { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED, CONTAINER_UNKNOWN } =
  ContainerState;

describe("a container's state", () => {
  test.each<[string, Partial<InspectedState>, ContainerState, string]>([
    ["is new", {}, CONTAINER_CREATED, ""],
    ["runs", running, CONTAINER_RUNNING, ""],
    ["is paused", { ...running, Status: "paused", Paused: true }, CONTAINER_RUNNING, ""],
    ["ended well", ended, CONTAINER_EXITED, "Completed"],
    ["failed", { ...ended, ExitCode: 3 }, CONTAINER_EXITED, "Error"],
    ["was killed", { ...ended, ExitCode: 137 }, CONTAINER_EXITED, "Error"],
    [
      "ran out of memory",
      { ...ended, ExitCode: 137, OOMKilled: true },
      CONTAINER_EXITED,
      "OOMKilled",
    ],
    ["survived an OOM kill", { ...ended, OOMKilled: true }, CONTAINER_EXITED, "OOMKilled"],
    ["is dead", { ...ended, Status: "dead", ExitCode: 1 }, CONTAINER_EXITED, "Error"],
    [
      "has no such command",
      { ExitCode: 127, Error: "exec: no" },
      CONTAINER_EXITED,
      "ContainerCannotRun",
    ],
    ["has no right to its command", { ExitCode: 126 }, CONTAINER_EXITED, "ContainerCannotRun"],
    ["could not be set up", { ExitCode: 128, Error: "mount" }, CONTAINER_EXITED, "StartError"],
    ...["went away", "does not run or does not know the container"].map(
      (how): [string, Partial<InspectedState>, ContainerState, string] => [
        `was about to start when its daemon ${how}`,
        {
          ExitCode: 128,
          Error: `OCI runtime create failed: dockershim: the daemon that has to complete this container's spec ${how}`,
        },
        CONTAINER_CREATED,
        "",
      ],
    ),
    ["is removed unstarted", { Status: "removing" }, CONTAINER_UNKNOWN, ""],
    ["is dead unstarted", { Status: "dead" }, CONTAINER_EXITED, ""],
  ])("that %s is CRI's", (_what, state, expected, reason) => {
    expect(life(state)).toMatchObject({ state: expected, reason });
  });

  test("has its times and exit code", () => {
    expect(life({ ...ended, ExitCode: 3, Error: "oops" })).toMatchObject({
      startedAt: parseTimestamp(startedAt),
      finishedAt: parseTimestamp(finishedAt),
      ...{ exitCode: 3, message: "oops" },
    });
  });

  test("never started after its end, though Docker 20.10 may note a short life so", () => {
    const times = life({ ...ended, StartedAt: "2026-11-23T10:00:09.3Z" });
    expect(times.startedAt).toBe(parseTimestamp(finishedAt));
    expect(times.finishedAt).toBe(parseTimestamp(finishedAt));
  });

  test("while running has no end, whatever an earlier run left", () => {
    expect(life({ ...running, FinishedAt: finishedAt, ExitCode: 255 })).toMatchObject({
      ...{ startedAt: parseTimestamp(startedAt), finishedAt: 0n, exitCode: 0 },
    });
  });

  test("that never ran has the times of its creation, since CRI wants some", () => {
    const failed = life({ ExitCode: 127, Error: "no such file" });
    expect(failed.startedAt).toBe(failed.createdAt);
    expect(failed.finishedAt).toBe(failed.createdAt);
    expect(failed.createdAt).toBeGreaterThan(0n);
    expect(failed).toMatchObject({ exitCode: 127, message: "no such file" });
  });
});
