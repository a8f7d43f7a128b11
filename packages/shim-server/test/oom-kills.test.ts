import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerInspect } from "@dockershim/docker-client";
import { SANDBOX_ID_LABEL } from "@dockershim/pod-sandbox";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createOomKills, type OomKills } from "../src/state/oom-kills.js";
import type { StoreRecord } from "../src/state/records.js";
import type { StoreChange } from "../src/state/store.js";

describe("kills for want of memory", () => {
  let folder: string;
  let listener: (change: StoreChange) => void;
  let refreshed: string[];
  let kills: OomKills;
  const log = pino({ level: "silent" });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "oom-kills-"));
    refreshed = [];
    daemon();
  });
  afterEach(() => {
    kills.close();
    rmSync(folder, { recursive: true });
  });

  /** The cgroup of a pod, or of its container with that pid. */
  const cgroup = (pod: string, pid?: number) =>
    join(folder, pod, pid === undefined ? "" : `${pid}`);
  function counted(pod: string, pid: number | undefined, total: number): void {
    mkdirSync(cgroup(pod, pid), { recursive: true });
    writeFileSync(join(cgroup(pod, pid), "memory.events"), `high 4\noom_kill ${total}\n`);
  }

  /** What a daemon knows that starts now; pods are named after the hundreds of their pids. */
  function daemon(): void {
    kills = createOomKills({
      directory: join(folder, "noted"),
      log,
      open: () => ({
        forPid(pid) {
          const unified = cgroup(`p${Math.floor(pid / 100)}`, pid);
          return { mode: "v2", v1: new Map(), unified };
        },
      }),
    });
    kills.follow({
      sandboxes: () => [],
      containers: () => [],
      onChange(added) {
        listener = added;
        return () => undefined;
      },
      refresh: async (id) => void refreshed.push(id),
    });
  }

  const inspected = (Id: string, State: object, sandboxId = "s1") =>
    ({
      Id,
      State,
      Config: { Labels: { [SANDBOX_ID_LABEL]: sandboxId } },
      HostConfig: { CgroupParent: "" },
    }) as unknown as ContainerInspect;
  const change = (record: object) =>
    listener({ before: undefined, after: record as StoreRecord, id: (record as StoreRecord).id });
  const removed = (id: string) => listener({ id, before: undefined, after: undefined });

  function runsPod(id: string, Pid: number, CgroupParent = `/${id}`): void {
    counted(`p${Math.floor(Pid / 100)}`, undefined, 0);
    counted(`p${Math.floor(Pid / 100)}`, Pid, 0);
    const inspect = { State: { Pid, Status: "running" }, HostConfig: { CgroupParent } };
    change({ kind: "sandbox", id, inspect });
  }
  function runs(id: string, Pid: number, sandboxId = "s1"): void {
    counted(`p${Math.floor(Pid / 100)}`, Pid, 0);
    const inspect = inspected(id, { Pid, Status: "running" }, sandboxId);
    change({ kind: "container", id, sandboxId, inspect });
  }
  /** Whether a container that is heard of as ended just now was killed so. */
  const killedAtEnd = (id: string, state: object = {}, sandboxId = "s1") =>
    kills.has(
      inspected(id, { Status: "exited", ExitCode: 137, OOMKilled: false, ...state }, sandboxId),
    );
  /** The engine removes the cgroup before anybody looks. */
  const goes = (pod: string, pid: number) => rmSync(cgroup(pod, pid), { recursive: true });

  test("are known once the kernel counts one, and the container is read again", async () => {
    runs("a", 101);
    counted("p1", 101, 1);
    await until(() => refreshed.length > 0);
    goes("p1", 101);
    expect(killedAtEnd("a")).toBe(true);
    expect(refreshed).toEqual(["a"]);
  });

  test("are known by the pod's count when the container's cgroup goes before we look", () => {
    runsPod("s1", 100);
    runs("a", 101);
    goes("p1", 101);
    counted("p1", undefined, 1);
    expect(killedAtEnd("a")).toBe(true);
  });

  test("are known by it of a container that was never seen to run", () => {
    runsPod("s1", 100);
    const inspect = inspected("a", { Pid: 0, Status: "created" });
    change({ kind: "container", id: "a", sandboxId: "s1", inspect });
    counted("p1", undefined, 1);
    expect(killedAtEnd("a")).toBe(true);
  });

  test("are not laid on a container that somebody else killed", () => {
    runsPod("s1", 100);
    runs("a", 101);
    runs("b", 102);
    counted("p1", 101, 2);
    counted("p1", undefined, 2);
    // a lives on: it was one of its children.
    expect(killedAtEnd("b")).toBe(false);
    expect(killedAtEnd("a")).toBe(true);
  });

  test("are not laid on the next container when Docker has told of them", () => {
    runsPod("s1", 100);
    runs("a", 101);
    runs("b", 102);
    goes("p1", 101);
    counted("p1", undefined, 1);
    expect(killedAtEnd("a", { OOMKilled: true })).toBe(true);
    expect(killedAtEnd("b")).toBe(false);
  });

  test("are no reason of a container that ended by itself", () => {
    runsPod("s1", 100);
    runs("a", 101);
    goes("p1", 101);
    counted("p1", undefined, 1);
    expect(killedAtEnd("a", { ExitCode: 1 })).toBe(false);
  });

  test("are not told by a cgroup that two pods share", () => {
    runsPod("s1", 100, "/shared");
    runsPod("s2", 200, "/shared");
    runs("a", 101);
    counted("p1", undefined, 1);
    expect(killedAtEnd("a")).toBe(false);
  });

  test("from before the daemon are nobody's", () => {
    counted("p1", undefined, 0);
    counted("p1", 100, 0);
    runsPod("s1", 100);
    counted("p1", undefined, 3);
    kills.close();
    daemon();
    const inspect = { State: { Pid: 100, Status: "running" }, HostConfig: { CgroupParent: "/s1" } };
    change({ kind: "sandbox", id: "s1", inspect });
    runs("a", 101);
    expect(killedAtEnd("a")).toBe(false);
  });

  test("are known to the next daemon, until the container is removed", () => {
    runs("a", 101);
    expect(killedAtEnd("a", { OOMKilled: true })).toBe(true);
    kills.close();
    daemon();
    // The engine's list, which has to do while an inspect hangs, does not tell of kills.
    expect(killedAtEnd("a", { OOMKilled: undefined })).toBe(true);
    removed("a");
    expect(killedAtEnd("a")).toBe(false);
    expect(readdirSync(join(folder, "noted"))).toEqual([]);
  });

  test("are forgotten of containers that were removed while no daemon ran", () => {
    for (const [id, pid] of [
      ["a", 101],
      ["b", 102],
    ] as const) {
      runs(id, pid);
      killedAtEnd(id, { OOMKilled: true });
    }
    kills.sweep(new Set(["b"]));
    expect([killedAtEnd("a"), killedAtEnd("b")]).toEqual([false, true]);
    expect(readdirSync(join(folder, "noted"))).toEqual(["b"]);
  });
});
