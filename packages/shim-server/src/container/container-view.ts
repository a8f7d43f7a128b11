import type { ContainerStatus } from "@dockershim/cri-types";
import { toContainerStatus } from "@dockershim/pod-sandbox";
import type { ImageStore } from "../store/image-store.js";
import type { ContainerRecord } from "../store/records.js";

/** The full status of a container. */
export function containerStatus(
  record: ContainerRecord,
  { images }: { readonly images: ImageStore },
): ContainerStatus {
  const image = images.get(record.inspect.Image);
  return toContainerStatus({
    inspect: record.inspect,
    ...(image === undefined ? {} : { image }),
    ...(record.user === undefined ? {} : { user: record.user }),
  });
}
