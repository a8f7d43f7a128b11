import type { ContainerStatus } from "@dockershim/cri-types";
import { toContainerStatus } from "@dockershim/pod-sandbox";
import type { ImageStore } from "../state/image-store.js";
import type { ContainerRecord } from "../state/records.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";

/** What a container's status is made from, beside its record. */
export interface ContainerViewParts {
  readonly images: Pick<ImageStore, "get">;
  readonly unmanagedLimits: Pick<UnmanagedLimitsStore, "changed">;
}

/** The full status of a container. */
export function containerStatus(
  record: ContainerRecord,
  { images, unmanagedLimits }: ContainerViewParts,
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
