import type { Logger } from "pino";
import type { Tracing } from "../observed/tracing.js";
import { ShimError } from "../shim-error.js";

/**
 * Tracing, when it is configured. OpenTelemetry is loaded only then: it would cost every daemon
 * several MB.
 *
 * @param endpoint Base URL of an OTLP collector that takes HTTP; empty for no tracing.
 * @throws ShimError `invalid_argument` for what is no such URL.
 */
export async function createTracing(endpoint: string, log: Logger): Promise<Tracing | undefined> {
  if (endpoint === "") return undefined;
  const { startTracing } = await import("./open-telemetry.js");
  return startTracing(tracesUrl(endpoint), log);
}

/** OTLP's path for traces (OTLP/HTTP specification) on a base URL. */
export function tracesUrl(endpoint: string): string {
  const url = URL.parse(endpoint);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ShimError(
      "invalid_argument",
      `tracing-endpoint: "${endpoint}" is not a URL like http://127.0.0.1:4318`,
    );
  }
  if (!url.pathname.endsWith("/v1/traces")) {
    url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  }
  return url.href;
}
