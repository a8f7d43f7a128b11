import { join } from "node:path";

/** Where a container's log goes. */
export interface LogPath {
  /**
   * CRI's log_directory of a pod, an absolute path. The folders above its last element are trusted:
   * the node's owner may have made links of them, of `/var/log/pods` for one.
   */
  readonly directory: string;
  /** CRI's log_path of a container, relative to it. */
  readonly file: string;
}

/** The path as a whole, for messages. */
export function absolutePath({ directory, file }: LogPath): string {
  return join(directory, file);
}
