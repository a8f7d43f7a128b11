import type { Image } from "@dockershim/cri-types";

/** Whom an image runs as, by name or number; empty where it does not say. */
export function imageUser({ uid, username }: Image): string {
  return username || (uid === undefined ? "" : `${uid.value}`);
}
