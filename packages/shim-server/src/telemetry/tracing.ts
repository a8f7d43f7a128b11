import type { Logger } from "pino";
import type { Tracing } from "../observed/tracing.js";
import { ShimError } from "../shim-error.js";

/** Optional peer dependencies of this package: whoever wants tracing installs them. */
const openTelemetry =
  "@opentelemetry/api @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources @opentelemetry/sdk-trace";

/**
 * Tracing, when it is configured. OpenTelemetry is loaded only then: it would cost every daemon
 * several MB.
 *
 * @param endpoint Base URL of an OTLP collector that takes HTTP; empty for no tracing.
 * @throws ShimError `invalid_argument` for what is no such URL, `failed_precondition` where OpenTelemetry is
 * not installed.
 */
export async function createTracing(endpoint: string, log: Logger): Promise<Tracing | undefined> {
  if (endpoint === "") return undefined;
  const url = tracesUrl(endpoint);
  const { startTracing } = await import("./open-telemetry.js").catch(explainMissing);
  return startTracing(url, log);
}

function explainMissing(err: NodeJS.ErrnoException): never {
  if (err.code !== "ERR_MODULE_NOT_FOUND") throw err;
  const message = `tracing-endpoint: OpenTelemetry is not installed; npm install ${openTelemetry}`;
  throw new ShimError("failed_precondition", message, { cause: err });
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
