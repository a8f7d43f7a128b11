import type { ContainerStatus } from "@dockershim/cri-types";
import { toContainerStatus } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";
import type { ContainerRecord } from "../state/records.js";

/** The full status of a container. */
export function containerStatus(
  record: ContainerRecord,
  { images, unmanagedLimits }: Pick<ShimContext, "images" | "unmanagedLimits">,
): ContainerStatus {
  const image = images.get(record.inspect.Image);
  const written = unmanagedLimits.changed(record.id);
  return toContainerStatus({
    inspect: record.inspect,
    ...(image === undefined ? {} : { image }),
    ...(record.user === undefined ? {} : { user: record.user }),
    ...(written === undefined ? {} : { written }),
  });
}
