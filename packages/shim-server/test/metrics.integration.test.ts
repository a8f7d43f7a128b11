import { mkdtempSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { RuntimeService } from "@dockershim/cri-types";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@dockershim/cri-types/health";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

/** An address that was free a moment ago. */
async function freeAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

/** Calls any service on a daemon's socket, with headers of the caller's choice. */
function dial<T extends DescService>(
  harness: Harness,
  service: T,
): { client: Client<T>; close: () => void } {
  const path = (harness.options.listen ?? "").replace("unix://", "");
  const baseUrl = "http://localhost";
  const sessionManager = new Http2SessionManager(
    baseUrl,
    {},
    { createConnection: () => connect(path) },
  );
  const client = createClient(service, createGrpcTransport({ baseUrl, sessionManager }));
  return { client, close: () => sessionManager.abort() };
}

/** The value of one series. */
function seriesValue(text: string, series: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe("the operations server", () => {
  let harness: Harness;
  let base: string;

  beforeAll(async () => {
    const metricsBindAddr = await freeAddress();
    base = `http://${metricsBindAddr}`;
    harness = await createHarness({ metricsBindAddr });
  });

  afterAll(async () => {
    await harness.close();
  });

  const scrape = async (): Promise<string> => (await fetch(`${base}/metrics`)).text();

  it("counts hot, ordinary and failed calls alike, with their times", async () => {
    await harness.cri.runtime.listContainers({});
    await harness.cri.runtime.listContainerStats({});
    const containerId = "0".repeat(64);
    await expect(harness.cri.runtime.containerStatus({ containerId })).rejects.toThrow();
    await expect(harness.cri.runtime.containerStats({ containerId })).rejects.toThrow();
    const text = await scrape();
    const calls = (method: string, code: string): number | undefined =>
      seriesValue(text, `dockershim_cri_calls_total{method="${method}",code="${code}"}`);
    expect(calls("ListContainers", "OK")).toBe(1);
    expect(calls("ListContainerStats", "OK")).toBe(1);
    expect(calls("ContainerStatus", "NOT_FOUND")).toBe(1);
    expect(calls("ContainerStats", "NOT_FOUND")).toBe(1);
    for (const method of ["ListContainers", "ListContainerStats"]) {
      const label = `method="${method}"`;
      const name = "dockershim_cri_call_duration_seconds";
      expect(seriesValue(text, `${name}_count{${label}}`)).toBe(1);
      expect(seriesValue(text, `${name}_bucket{le="+Inf",${label}}`)).toBe(1);
      expect(seriesValue(text, `${name}_sum{${label}}`)).toBeGreaterThan(0);
    }
  });

  it("counts a streaming call once, when its last message is out", async () => {
    for await (const _ of harness.cri.runtime.streamContainers({}));
    const series = 'dockershim_cri_calls_total{method="StreamContainers",code="OK"}';
    expect(seriesValue(await scrape(), series)).toBe(1);
  });

  it("tells of engine, CNI, events, store, streams and the process", async () => {
    await harness.runPod();
    const text = await scrape();
    const request = (operation: string): number | undefined =>
      seriesValue(text, `dockershim_engine_requests_total{operation="${operation}",code="ok"}`);
    expect(request("containers.create")).toBe(2);
    expect(request("containers.start")).toBe(2);
    expect(seriesValue(text, 'dockershim_cni_operations_total{command="ADD",result="ok"}')).toBe(1);
    expect(seriesValue(text, "dockershim_engine_event_lag_seconds_count")).toBeGreaterThan(0);
    expect(seriesValue(text, 'dockershim_containers{state="running"}')).toBe(1);
    expect(seriesValue(text, 'dockershim_sandboxes{state="running"}')).toBe(1);
    expect(seriesValue(text, "dockershim_resyncs_total")).toBe(1);
    expect(seriesValue(text, "dockershim_engine_connected")).toBe(1);
    expect(seriesValue(text, 'dockershim_streaming{kind="sessions"}')).toBe(0);
    expect(seriesValue(text, "dockershim_log_lag_seconds")).toBe(0);
    expect(seriesValue(text, "dockershim_logs_behind")).toBe(0);
    expect(seriesValue(text, 'nodejs_eventloop_lag_seconds{kind="max"}')).toBeGreaterThanOrEqual(0);
    expect(seriesValue(text, "nodejs_heap_size_used_bytes")).toBeGreaterThan(1_000_000);
    expect(seriesValue(text, "process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  });

  it("writes what Prometheus can read: each series once, below its type", async () => {
    const lines = (await scrape()).split("\n").filter((line) => line !== "");
    const series = lines.filter((line) => !line.startsWith("#"));
    expect(new Set(series.map((line) => line.slice(0, line.lastIndexOf(" ")))).size).toBe(
      series.length,
    );
    for (const line of series) {
      expect(line).toMatch(/^[a-z_]+(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? -?[\d.e+-]+$/);
    }
  });

  it("is alive and ready, and refuses what it does not serve", async () => {
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(`${base}/metrics`, { method: "POST" })).status).toBe(405);
  });

  it("is alive but not ready without a network, and says why", async () => {
    const cniConfDir = mkdtempSync(join(harness.dir, "no-cni-"));
    await harness.restart({ cniConfDir });
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    const ready = await fetch(`${base}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain(cniConfDir);
    await harness.restart();
  });

  it("is alive but not ready without an engine", async () => {
    await harness.restart({ dockerEndpoint: `unix://${join(harness.dir, "none.sock")}` });
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    expect((await fetch(`${base}/readyz`)).status).toBe(503);
    const { client, close } = dial(harness, Health);
    expect(await client.check({})).toMatchObject({ status: Status.NOT_SERVING });
    close();
    await harness.restart();
  });

  it("gives up its address when it ends, and says so when it is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const rootDir = join(harness.dir, "r2");
    await expect(createHarness({ metricsBindAddr: `127.0.0.1:${port}`, rootDir })).rejects.toThrow(
      /metrics-bind-addr: cannot listen/,
    );
    await new Promise((resolve) => taken.close(resolve));
    // The harness's own daemon is restarted on the same address by the tests above.
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
  });
});

describe("gRPC's health service", () => {
  let harness: Harness;

  beforeAll(async () => {
    harness = await createHarness();
  });

  afterAll(async () => {
    await harness.close();
  });

  it("serves the server and both CRI services, and knows no others", async () => {
    const { client, close } = dial(harness, Health);
    for (const service of ["", "runtime.v1.RuntimeService", "runtime.v1.ImageService"]) {
      expect(await client.check({ service })).toMatchObject({ status: Status.SERVING });
    }
    await expect(client.check({ service: "nothing" })).rejects.toMatchObject({ code: 5 });
    const { statuses } = await client.list({});
    expect(Object.keys(statuses)).toHaveLength(3);
    close();
  });

  it("tells a watcher at once, and ends with the caller", async () => {
    const { client, close } = dial(harness, Health);
    const controller = new AbortController();
    const seen: Status[] = [];
    await expect(async () => {
      for await (const { status } of client.watch({}, { signal: controller.signal })) {
        seen.push(status);
        controller.abort();
      }
    }).rejects.toMatchObject({ code: 1 });
    expect(seen).toEqual([Status.SERVING]);
    close();
  });

  it("keeps a watcher of a service that it does not have", async () => {
    const { client, close } = dial(harness, Health);
    const updates = client.watch({ service: "nothing" })[Symbol.asyncIterator]();
    expect((await updates.next()).value).toMatchObject({ status: Status.SERVICE_UNKNOWN });
    close();
  });
});

interface OtlpSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  status?: { code?: number };
}

describe("tracing", () => {
  let collector: Server;
  let harness: Harness;
  const spans: OtlpSpan[] = [];
  const paths = new Set<string | undefined>();

  beforeAll(async () => {
    collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        paths.add(request.url);
        for (const resource of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans) {
          for (const scope of resource.scopeSpans) spans.push(...scope.spans);
        }
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
    const { port } = collector.address() as AddressInfo;
    harness = await createHarness({ tracingEndpoint: `http://127.0.0.1:${port}` });
  });

  afterAll(async () => {
    await harness.close();
    collector.closeAllConnections();
    await new Promise((resolve) => collector.close(resolve));
  });

  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const callerSpan = "b7ad6b7169203331";

  it("continues the caller's trace through CRI, Docker and CNI", async () => {
    const { client, close } = dial(harness, RuntimeService);
    const headers = { traceparent: `00-${traceId}-${callerSpan}-01` };
    await client.runPodSandbox({ config: harness.sandboxConfig() }, { headers });
    await client.listContainers({}, { headers });
    await expect(
      client.containerStats({ containerId: "0".repeat(64) }, { headers }),
    ).rejects.toThrow();
    close();
    const named = (name: string): OtlpSpan | undefined =>
      spans.find((span) => span.traceId === traceId && span.name === name);
    await until(() => named("runtime.v1.RuntimeService/ContainerStats") !== undefined);
    expect([...paths]).toEqual(["/v1/traces"]);
    const run = named("runtime.v1.RuntimeService/RunPodSandbox");
    expect(run?.parentSpanId).toBe(callerSpan);
    for (const name of ["docker containers.create", "docker containers.start", "cni ADD"]) {
      expect([name, named(name)?.parentSpanId]).toEqual([name, run?.spanId]);
    }
    // A call that is answered in memory has a span too.
    expect(named("runtime.v1.RuntimeService/ListContainers")?.parentSpanId).toBe(callerSpan);
    expect(named("runtime.v1.RuntimeService/ContainerStats")?.status?.code).toBe(2);
  });

  it("leaves out what the caller does not sample", async () => {
    const { client, close } = dial(harness, RuntimeService);
    const unsampled = "1af7651916cd43dd8448eb211c80319c";
    const marker = "2af7651916cd43dd8448eb211c80319c";
    await client.version({}, { headers: { traceparent: `00-${unsampled}-${callerSpan}-00` } });
    await client.version({}, { headers: { traceparent: `00-${marker}-${callerSpan}-01` } });
    close();
    await until(() => spans.some((span) => span.traceId === marker));
    expect(spans.filter((span) => span.traceId === unsampled)).toEqual([]);
  });

  it("refuses an endpoint that is no URL", async () => {
    const rootDir = join(harness.dir, "r2");
    await expect(createHarness({ tracingEndpoint: "127.0.0.1:4318", rootDir })).rejects.toThrow(
      /tracingEndpoint/,
    );
  });
});
