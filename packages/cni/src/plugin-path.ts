import { stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { CniError } from "./errors.js";

/** An executable that was found, with what tells when it has been replaced. */
export interface PluginFile {
  readonly path: string;
  /** Changes when the file is replaced or written. */
  readonly identity: string;
}

/**
 * Finds a plugin's executable: the first regular file of that name in the
 * plugin directories, as CNI_PATH is searched.
 *
 * @throws CniError `plugin-not-found`
 */
export async function findPlugin(type: string, binDirs: readonly string[]): Promise<PluginFile> {
  for (const dir of binDirs) {
    const path = join(dir, type);
    const file = await stat(path).catch(() => undefined);
    if (file?.isFile()) {
      return { path, identity: `${path}:${file.dev}:${file.ino}:${file.size}:${file.mtimeMs}` };
    }
  }
  throw new CniError(
    "plugin-not-found",
    `plugin ${JSON.stringify(type)} is not in ${binDirs.join(delimiter)}`,
    { plugin: type },
  );
}
