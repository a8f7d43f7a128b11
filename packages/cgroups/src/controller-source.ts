import { type CgroupPath, type ControllerDirectory, controllerDirectory } from "./cgroup-path.js";
import { parseFlatKeyed } from "./parse.js";
import type { RecordFiles } from "./record-files.js";

/** The files of one controller of one cgroup, each read at most once. */
export interface ControllerSource {
  /** Whose files these are: names and formats differ between cgroup v1 and v2. */
  readonly version: 1 | 2;
  readonly directory: string;
  /** The text of a file; undefined when it is not there (any more). */
  read(file: string): string | undefined;
  /** The values of a file of `key value` lines: see {@link parseFlatKeyed}. */
  readKeyed(file: string, wanted: ReadonlySet<string>): ReadonlyMap<string, bigint>;
}

/**
 * Sources for one reading of a cgroup. A file that several parts need (memory.stat, cpu.stat)
 * is read once, so that the parts agree with each other.
 */
export function createSources(
  path: CgroupPath,
  files: RecordFiles,
): (v1Controller: string) => ControllerSource | undefined {
  // Controllers may share a directory: all on v2, and on v1 those that are mounted together.
  const sources = new Map<string, ControllerSource>();
  return (v1Controller) => {
    const place = controllerDirectory(path, v1Controller);
    if (place === undefined) return undefined;
    let source = sources.get(place.directory);
    if (source === undefined) {
      source = createSource(place, files);
      sources.set(place.directory, source);
    }
    return source;
  };
}

/** The files of one directory, for one reading. */
export function createSource(
  { version, directory }: ControllerDirectory,
  files: RecordFiles,
): ControllerSource {
  const texts = new Map<string, string | undefined>();
  const parsed = new Map<
    string,
    { wanted: ReadonlySet<string>; values: ReadonlyMap<string, bigint> }
  >();

  function read(file: string): string | undefined {
    const known = texts.get(file);
    if (known !== undefined || texts.has(file)) return known;
    const text = files.read(directory, file);
    texts.set(file, text);
    return text;
  }

  return {
    version,
    directory,
    read,
    readKeyed(file, wanted) {
      const known = parsed.get(file);
      if (known?.wanted === wanted) return known.values;
      const values = parseFlatKeyed(read(file), wanted);
      parsed.set(file, { wanted, values });
      return values;
    },
  };
}
