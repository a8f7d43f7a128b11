import { describe, expect, test } from "@jest/globals";
import { parseTraceParent } from "../src/telemetry/trace-parent.js";
import { tracesUrl } from "../src/telemetry/tracing.js";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

describe("traceparent", () => {
  test.each([
    [`00-${traceId}-${spanId}-01`, 1],
    [`00-${traceId}-${spanId}-00`, 0],
    // Flags that are not defined yet are none of ours; later versions may have more fields.
    [`00-${traceId}-${spanId}-03`, 1],
    [`cc-${traceId}-${spanId}-01-more`, 1],
  ])("%s is read", (header, traceFlags) => {
    expect(parseTraceParent(header)).toEqual({ traceId, spanId, traceFlags, isRemote: true });
  });

  test.each([
    undefined,
    "",
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
  ])("%s begins a new trace", (header) => {
    expect(parseTraceParent(header)).toBeUndefined();
  });
});

describe("the collector's URL", () => {
  test.each([
    ["http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"],
    ["http://collector/otlp/", "http://collector/otlp/v1/traces"],
    ["https://collector/v1/traces", "https://collector/v1/traces"],
  ])("%s becomes %s", (endpoint, url) => {
    expect(tracesUrl(endpoint)).toBe(url);
  });

  test.each(["127.0.0.1:4318", "grpc://127.0.0.1:4317", "no url"])("%s is refused", (endpoint) => {
    expect(() => tracesUrl(endpoint)).toThrow(/tracing-endpoint/);
  });
});
