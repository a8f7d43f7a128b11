import type { ConnectRouter } from "@connectrpc/connect";
import { Timelines } from "@dockershim/cri-types/timelines";
import type { PodTimelines } from "../telemetry/pod-timelines.js";

/**
 * dockershim's own service beside CRI's: CRI has no place for what is told of pods that are gone, and its verbose
 * answers are printed whole by other tools.
 */
export function registerTimelineService(
  router: ConnectRouter,
  timelines: Pick<PodTimelines, "list">,
): void {
  router.service(Timelines, {
    listPodTimelines: ({ pod }) => ({ pods: timelines.list(pod) }),
  });
}
