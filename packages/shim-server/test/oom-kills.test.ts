import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CgroupReader } from "@dockershim/cgroups";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createOomKills } from "../src/state/oom-kills.js";
import type { ContainerRecord } from "../src/state/records.js";
import type { StoreChange } from "../src/state/store.js";

describe("kills for want of memory", () => {
  let folder: string;
  let cgroup: string;
  let listener: (change: StoreChange) => void;
  let refreshed: string[];
  const log = pino({ level: "silent" });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "oom-kills-"));
    cgroup = join(mkdtempSync(join(folder, "cgroup-")));
    refreshed = [];
    counted(0);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const counted = (kills: number) =>
    writeFileSync(join(cgroup, "memory.events"), `high 4\noom_kill ${kills}\n`);

  /** Kills as a daemon learns of them; all containers that run share one cgroup. */
  function daemon() {
    const path = { mode: "v2" as const, v1: new Map(), unified: cgroup };
    const open = (): Pick<CgroupReader, "forPid"> => ({ forPid: () => path });
    const kills = createOomKills({ directory: join(folder, "noted"), log, open });
    kills.follow({
      containers: () => [],
      onChange(added) {
        listener = added;
        return () => undefined;
      },
      refresh: async (id) => void refreshed.push(id),
    });
    return kills;
  }
  const change = (id: string, pid: number | undefined) => {
    const record = { kind: "container", id, inspect: { State: { Pid: pid } } };
    const after = pid === undefined ? undefined : (record as ContainerRecord);
    listener({ id, before: undefined, after });
  };

  test("are known once the kernel counts one, and the container is read again", async () => {
    const kills = daemon();
    change("a", 100);
    expect(kills.has("a")).toBe(false);
    counted(1);
    await until(() => kills.has("a"));
    expect(refreshed).toEqual(["a"]);
    kills.close();
  });

  test("are known to the next daemon, until the container is removed", () => {
    counted(1);
    const first = daemon();
    change("a", 100);
    change("a", 0);
    first.close();
    const second = daemon();
    expect(second.has("a")).toBe(true);
    change("a", undefined);
    expect(second.has("a")).toBe(false);
    expect(readdirSync(join(folder, "noted"))).toEqual([]);
    second.close();
  });

  test("are forgotten of containers that were removed while no daemon ran", () => {
    counted(1);
    const kills = daemon();
    change("a", 100);
    change("b", 101);
    kills.sweep(new Set(["b"]));
    expect([kills.has("a"), kills.has("b")]).toEqual([false, true]);
    expect(readdirSync(join(folder, "noted"))).toEqual(["b"]);
    kills.close();
  });
});
