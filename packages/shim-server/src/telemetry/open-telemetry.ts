import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";
import { within } from "../async/within.js";
import type { Tracing } from "../observed/tracing.js";
import { version } from "../version.js";
import { parseTraceParent } from "./trace-parent.js";

/** A collector that is away must not hold up the end of the daemon. */
const closeMs = 1_000;

/** How long spans are collected before they are sent, in ms. */
const batchMs = 1_000;

/** Sends spans to a collector. A caller's decision what to sample is kept; else all is sampled. */
export function startTracing(url: string, log: Logger): Tracing {
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({ "service.name": "dockershim", "service.version": version }),
    ),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url }),
        scheduledDelayMillis: batchMs,
      }),
    ],
  });
  const tracer = provider.getTracer("dockershim", version);
  const current = new AsyncLocalStorage<Context>();
  log.info({ url }, "spans are sent");

  function startCall(path: string, traceparent: string | undefined, startTime?: number): Span {
    const parent = parseTraceParent(traceparent);
    const context =
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const [, service = "", method = ""] = path.split("/");
    return tracer.startSpan(
      path.slice(1),
      {
        kind: SpanKind.SERVER,
        attributes: { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method },
        ...(startTime === undefined ? {} : { startTime }),
      },
      context,
    );
  }

  return {
    async call(path, traceparent, work) {
      const span = startCall(path, traceparent);
      try {
        const result = await current.run(trace.setSpan(ROOT_CONTEXT, span), work);
        end(span);
        return result;
      } catch (err) {
        end(span, err);
        throw err;
      }
    },
    answered(path, traceparent, ms, error) {
      end(startCall(path, traceparent, Date.now() - ms), error);
    },
    begin(name) {
      const span = tracer.startSpan(
        name,
        { kind: SpanKind.CLIENT },
        // What no call asked for, such as reading after an event, is a trace of its own.
        current.getStore() ?? ROOT_CONTEXT,
      );
      return (error) => end(span, error);
    },
    async close() {
      const sent = provider.shutdown().catch((err) => log.warn({ err }, "could not send spans"));
      await within(sent, closeMs);
    },
  };
}

function end(span: Span, error?: unknown): void {
  if (error !== undefined) {
    const message = error instanceof Error ? error.message : String(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end();
}
