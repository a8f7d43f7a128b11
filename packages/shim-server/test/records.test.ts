import type { ContainerInspect } from "@dockershim/docker-client";
import { expect, test } from "@jest/globals";
import { type ContainerRecord, type StoreRecord, toRecord } from "../src/state/records.js";

/** A container of a pod whose first process is this one, if any. */
function record(status: string, pid: number, previous?: StoreRecord): ContainerRecord {
  const inspect = {
    Id: "b".repeat(64),
    Name: "/k8s_main_web_shop_6f1c2d7e_0",
    Created: "2026-11-23T10:00:00.123456789Z",
    Image: `sha256:${"c".repeat(64)}`,
    State: {
      ...{ Status: status, Running: pid > 0, OOMKilled: false, Pid: pid, ExitCode: 0, Error: "" },
      ...{ StartedAt: "2026-11-23T10:00:01Z", FinishedAt: "2026-11-23T10:00:02Z" },
    },
    Config: { Image: "busybox", Labels: { "io.kubernetes.docker.type": "container" } },
    HostConfig: { NetworkMode: "host" },
    Mounts: [],
  } as unknown as ContainerInspect;
  return toRecord(inspect, previous) as ContainerRecord;
}

test("who a container ran as is known when it has ended, and read anew when it runs again", () => {
  const created = record("created", 0);
  expect(created.user).toBeUndefined();
  const running = record("running", process.pid, created);
  expect(running.user).toMatchObject({ uid: process.geteuid?.(), gid: process.getegid?.() });
  const ended = record("exited", 0, running);
  expect(ended.user).toEqual(running.user);
  const other = { ...ended, user: { uid: 7, gid: 7, supplementalGroups: [] } };
  expect(record("running", process.pid, other).user).toEqual(running.user);
});
