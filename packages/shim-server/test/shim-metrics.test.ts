import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { DockerError } from "@dockershim/docker-client";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import {
  createShimMetrics,
  type MetricParts,
  type ShimMetrics,
} from "../src/telemetry/shim-metrics.js";

let metrics: ShimMetrics;

beforeEach(() => {
  metrics = createShimMetrics();
});

afterEach(() => metrics.close());

const record = (status: string) => ({ inspect: { State: { Status: status } } });

/** A node with something of each kind. */
const parts = {
  store: {
    containers: () => [record("running"), record("exited"), record("running")],
    sandboxes: () => [record("running")],
    unread: 1,
  },
  images: { all: () => ["a", "b"], unread: 1 },
  engine: { connected: true },
  feed: { current: false },
  streaming: {
    stats: () => ({
      tokens: 1,
      connections: 2,
      sessions: 3,
      streams: 4,
      forwards: 5,
      bufferedBytes: 6,
    }),
  },
  logs: { lag: () => ({ seconds: 1.5, containers: 2 }) },
} as unknown as MetricParts;

/** Lets each metric have a value. */
function exercise(): void {
  metrics.watch(parts);
  metrics.onCall("Version", 1, undefined);
  metrics.onRequest("containers.list")(undefined);
  metrics.onCni("ADD")(false);
  metrics.feed.event(1);
  metrics.nri.connected(["10-a"]);
  metrics.nri.calling("10-a", "RunPodSandbox")(1, undefined);
}

/** The lines of an exposition without their values, and labels in the order of their names. */
function shape(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      if (line.startsWith("#")) return line;
      const [, name, labels = ""] = /^([^{ ]+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
      return [name, ...labels.split(",").sort()].join(" ").trim();
    });
}

test("names, help, types, labels and buckets are what dashboards and alerts were written for", async () => {
  exercise();
  const promised = readFileSync(join(import.meta.dirname, "fixtures/metrics.txt"), "utf8");
  expect(shape(await metrics.render())).toEqual(promised.trimEnd().split("\n"));
});

/** The values of the series of a metric. */
async function values(name: string): Promise<Record<string, number>> {
  const lines = (await metrics.render()).split("\n").filter((line) => line.startsWith(name));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(name.length, line.lastIndexOf(" ")),
      Number(line.split(" ").at(-1)),
    ]),
  );
}

test("calls are counted by method and by gRPC's word for how they ended", async () => {
  metrics.onCall("Version", 1, undefined);
  metrics.onCall("Version", 200, undefined);
  metrics.onCall("Version", 1, Code.FailedPrecondition);
  expect(await values("dockershim_cri_calls_total")).toEqual({
    '{method="Version",code="OK"}': 2,
    '{method="Version",code="FAILED_PRECONDITION"}': 1,
  });
  const times = await values("dockershim_cri_call_duration_seconds");
  expect(times['_count{method="Version"}']).toBe(3);
  expect(times['_sum{method="Version"}']).toBeCloseTo(0.202);
  expect(times['_bucket{le="0.1",method="Version"}']).toBe(2);
});

test("requests and networks are counted by how they ended", async () => {
  const gone = new DockerError({ code: "not_found", operation: "x", engineMessage: "gone" });
  metrics.onRequest("containers.inspect")(gone);
  metrics.onRequest("containers.inspect")(undefined);
  metrics.onCni("DEL")(true);
  expect(await values("dockershim_engine_requests_total")).toEqual({
    '{operation="containers.inspect",code="not_found"}': 1,
    '{operation="containers.inspect",code="ok"}': 1,
  });
  expect(await values("dockershim_cni_operations_total")).toEqual({
    '{command="DEL",result="error"}': 1,
  });
});

test("what has not happened yet is shown as 0, so that the first time is seen", async () => {
  expect(await values("dockershim_resyncs_total")).toEqual({ "": 0 });
  expect(await values("dockershim_engine_disconnections_total")).toEqual({ "": 0 });
  metrics.feed.lost();
  expect(await values("dockershim_engine_disconnections_total")).toEqual({ "": 1 });
});

test("gauges are read at each scrape, and what is no more is not shown", async () => {
  let states = ["running", "exited"];
  const store = { ...parts.store, containers: () => states.map(record) };
  metrics.watch({ ...parts, store: store as unknown as MetricParts["store"] });
  const gauge = "dockershim_containers{";
  expect(await values(gauge)).toEqual({ 'state="running"}': 1, 'state="exited"}': 1 });
  states = ["running", "running"];
  expect(await values(gauge)).toEqual({ 'state="running"}': 2 });
});
