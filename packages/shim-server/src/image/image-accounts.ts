import { type ImageUser, resolveImageUser } from "@dockershim/pod-sandbox";
import { BoundedMap } from "../async/bounded-map.js";
import type { ImageFiles } from "./image-files.js";

/** What images' own /etc/passwd and /etc/group say of users. */
export interface ImageAccounts {
  /**
   * Finds a user, by name or uid.
   *
   * @param imageId Docker's image id.
   * @returns Undefined for a name that the image does not know.
   */
  find(imageId: string, user: string, signal: AbortSignal): Promise<ImageUser | undefined>;
}

/** Images of so many ids are remembered; their files never change. */
const remembered = 256;

/** Reads account files out of images, once per image. */
export function createImageAccounts(files: Pick<ImageFiles, "read">): ImageAccounts {
  const known = new BoundedMap<string, Promise<(string | undefined)[]>>(remembered);

  function filesOf(imageId: string): Promise<(string | undefined)[]> {
    const found = known.get(imageId);
    if (found !== undefined) return found;
    const reading = files.read(imageId, ["/etc/passwd", "/etc/group"]);
    known.set(imageId, reading);
    reading.catch(() => known.delete(imageId));
    return reading;
  }

  return {
    async find(imageId, user, signal) {
      signal.throwIfAborted();
      const [passwd = "", group = ""] = await filesOf(imageId);
      signal.throwIfAborted();
      return resolveImageUser(user, passwd, group);
    },
  };
}
