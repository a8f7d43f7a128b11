import { type CgroupPath, controllerDirectory } from "./cgroup-path.js";
import type { RecordFiles } from "./record-files.js";

/** The files of one controller of one cgroup, each read at most once. */
export interface ControllerSource {
  /** Whose files these are: names and formats differ between cgroup v1 and v2. */
  readonly version: 1 | 2;
  readonly directory: string;
  /** The text of a file; undefined when it is not there (any more). */
  read(file: string): string | undefined;
}

/**
 * Sources for one reading of a cgroup. A file that several parts need (memory.stat, cpu.stat)
 * is read once, so that the parts agree with each other.
 */
export function createSources(
  path: CgroupPath,
  files: RecordFiles,
): (v1Controller: string) => ControllerSource | undefined {
  const texts = new Map<string, string | undefined>();
  return (v1Controller) => {
    const place = controllerDirectory(path, v1Controller);
    if (place === undefined) return undefined;
    const prefix = `${place.directory}/`;
    return {
      version: place.version,
      directory: place.directory,
      read(file) {
        const name = prefix + file;
        const known = texts.get(name);
        if (known !== undefined || texts.has(name)) return known;
        const text = files.read(name);
        texts.set(name, text);
        return text;
      },
    };
  };
}
