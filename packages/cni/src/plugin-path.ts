import { statSync } from "node:fs";
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
 * @throws CniError `plugin_not_found`
 */
export function findPlugin(type: string, binDirs: readonly string[]): PluginFile {
  for (const dir of binDirs) {
    const path = join(dir, type);
    const identity = fileIdentity(path);
    if (identity !== undefined) return { path, identity };
  }
  throw new CniError(
    "plugin_not_found",
    `plugin ${JSON.stringify(type)} is not in ${binDirs.join(delimiter)}`,
    { plugin: type },
  );
}

/** Changes when a regular file is replaced or written; undefined when there is none. */
export function fileIdentity(path: string): string | undefined {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    return file?.isFile() === true
      ? `${path}:${file.dev}:${file.ino}:${file.size}:${file.mtimeMs}`
      : undefined;
  } catch {
    return undefined;
  }
}
