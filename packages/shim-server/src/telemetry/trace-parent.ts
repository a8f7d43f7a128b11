import { isSpanContextValid, type SpanContext } from "@opentelemetry/api";

/**
 * Reads a `traceparent` header (W3C Trace Context, version 00; later versions begin alike).
 *
 * @returns undefined for none, and for one that is not valid: then a new trace begins.
 */
export function parseTraceParent(header: string | undefined): SpanContext | undefined {
  const match = /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(
    header?.trim() ?? "",
  );
  const [, version, traceId, spanId, flags, rest] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "00" && rest !== undefined) return undefined;
  const context: SpanContext = {
    traceId,
    spanId,
    // Only the first bit, "sampled", means anything to us.
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
  };
  return isSpanContextValid(context) ? context : undefined;
}
