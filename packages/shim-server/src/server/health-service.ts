import { setTimeout } from "node:timers/promises";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { ImageService, RuntimeService } from "@dockershim/cri-types";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@dockershim/cri-types/health";
import type { EventFeed } from "../state/event-feed.js";

/** How often a Watch looks, in ms. */
const watchIntervalMs = 1_000;

/**
 * gRPC's health checking protocol (grpc.health.v1): SERVING while CRI calls can be answered. The
 * empty name is the whole server; both CRI services share its state.
 */
export function registerHealthService(
  router: ConnectRouter,
  feed: Pick<EventFeed, "current">,
): void {
  const known = new Set(["", RuntimeService.typeName, ImageService.typeName]);
  const status = (): Status => (feed.current ? Status.SERVING : Status.NOT_SERVING);

  router.service(Health, {
    check({ service }) {
      if (!known.has(service)) throw new ConnectError(`no service ${service}`, Code.NotFound);
      return { status: status() };
    },
    list: () => ({
      statuses: Object.fromEntries(Array.from(known, (name) => [name, { status: status() }])),
    }),
    async *watch({ service }, { signal }) {
      // The protocol wants the stream kept open, should the service appear.
      const look = known.has(service) ? status : () => Status.SERVICE_UNKNOWN;
      let last: Status | undefined;
      while (!signal.aborted) {
        const now = look();
        if (now !== last) yield { status: now };
        last = now;
        await setTimeout(watchIntervalMs, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}
