import type { Logger } from "pino";
import type { CloserStack } from "../async/closer-stack.js";
import { within } from "../async/within.js";
import { readOciSpec } from "../checkpoint/oci-spec.js";
import { createContainerEvents } from "../events/container-events.js";
import type { Tracing } from "../observed/tracing.js";
import type { ShimOptions } from "../options.js";
import { serveGrpc } from "../server/grpc-server.js";
import type { CriSocket } from "../server/unix-socket.js";
import { startStreaming } from "../streaming/streaming.js";
import { type OperationsServer, serveOperations } from "../telemetry/operations-server.js";
import type { PodTimelines } from "../telemetry/pod-timelines.js";
import { unreadyReasons } from "../telemetry/readiness.js";
import type { ShimMetrics } from "../telemetry/shim-metrics.js";
import { imageRoutes } from "./image-routes.js";
import type { EngineParts } from "./open-engine.js";
import type { NodeParts } from "./open-node.js";
import { runtimeRoutes } from "./runtime-routes.js";

/** How long running calls may take to finish when the daemon ends, in ms. */
const drainMs = 4_000;

/** What can be changed of an open front. */
export interface Front {
  /**
   * Serves metrics and health on another address, or no longer if that is empty.
   *
   * @throws ShimError like {@link serveOperations}; then the old address still serves.
   */
  moveOperations(address: string): Promise<void>;
}

/** Opens what others talk to: streaming, metrics and health, and at last CRI's socket. */
export async function openFront(
  options: ShimOptions,
  parts: EngineParts &
    NodeParts & {
      readonly instance: string;
      readonly metrics: ShimMetrics | undefined;
      readonly tracing: Tracing | undefined;
      readonly timelines: PodTimelines;
      readonly socket: CriSocket;
      readonly log: Logger;
    },
  closers: CloserStack,
): Promise<Front> {
  const { metrics, tracing, feed, log } = parts;
  const streaming = await startStreaming({ ...parts, options });
  closers.push("the streaming server", () => streaming.close());
  let operations: OperationsServer | undefined;
  const openOperations = async (address: string): Promise<OperationsServer | undefined> =>
    metrics === undefined || address === ""
      ? undefined
      : await serveOperations(address, {
          metrics,
          unready: () => unreadyReasons(parts),
          log,
        });
  metrics?.watch({ ...parts, streaming });
  operations = await openOperations(options.metricsBindAddr);
  closers.push("metrics and health", async () => await operations?.close());
  const events = createContainerEvents(parts);
  closers.push("container events", () => events.close());
  const served = { ...parts, options, streaming, events, ociSpec: readOciSpec };
  const server = await serveGrpc(
    {
      runtime: runtimeRoutes(served),
      image: imageRoutes(served),
      feed,
      engine: parts.engine,
      log,
      onCall: metrics?.onCall,
      tracing,
      timelines: parts.timelines,
    },
    parts.socket,
  );
  closers.push("calls", async () => {
    // Readers of events would hold the server up, and sessions end while calls finish; a container
    // that stands still for its checkpoint goes on, unless the engine's part takes longer.
    events.close();
    const checkpointed = within(parts.checkpoints.close(), drainMs);
    await Promise.all([server.close(drainMs), streaming.close(), checkpointed]);
  });
  return {
    async moveOperations(address) {
      const moved = await openOperations(address);
      await operations?.close();
      operations = moved;
    },
  };
}
