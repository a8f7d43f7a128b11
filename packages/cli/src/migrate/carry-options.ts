import { optionProblems } from "@dockershim/shim-server/option-problems";
import { defaultShimOptions, type ShimOptions } from "@dockershim/shim-server/options";
import { isCollection, isMap, isScalar, parse, parseDocument, stringify } from "yaml";
import { formatDuration } from "../output/duration.js";
import { describeKey, optionsFromFile } from "../serve/config-file.js";
import { fileKey, type ServeOption, serveOptions } from "../serve/serve-options.js";

/** A configuration file into which options were carried. */
export interface CarriedOptions {
  /** The file's new text; the one it has when there is nothing to carry. */
  readonly text: string;
  /** Why it cannot be done, a line each. */
  readonly problems: readonly string[];
}

/**
 * Writes options into the text of a configuration file. What the file says already stays, comments
 * too; folders to be searched are put in front of those in the file.
 *
 * @param text The file's; empty for one that is not there.
 * @param path For messages.
 * @param origin Who had these options, for comments and messages.
 */
export function carryOptions(
  text: string,
  options: Partial<ShimOptions>,
  path: string,
  origin: string,
): CarriedOptions {
  const problems: string[] = [];
  let there: Partial<ShimOptions>;
  try {
    const file = optionsFromFile(parse(text), path);
    there = file.options;
    problems.push(...file.problems);
  } catch (err) {
    const [why = ""] = String((err as Error).message).split("\n");
    return { text, problems: [why.startsWith(path) ? why : `${path}: ${why}`] };
  }
  const added: [string, unknown][] = [];
  const replaced: [string, unknown][] = [];
  for (const option of serveOptions) {
    const { key } = option;
    const wanted = options[key];
    if (wanted === undefined) continue;
    const [now, other] = [there[key], JSON.stringify(wanted)];
    if (Array.isArray(now) && Array.isArray(wanted)) {
      const missing = wanted.filter((each) => !now.includes(each));
      if (missing.length > 0) replaced.push([fileKey(option), [...missing, ...now]]);
    } else if (now === undefined) {
      const isDefault = other === JSON.stringify(defaultShimOptions[key]);
      if (!isDefault) added.push([fileKey(option), inFile(option, wanted)]);
    } else if (other !== JSON.stringify(now)) {
      const [ours, theirs] = [inFile(option, now), inFile(option, wanted)].map((value) =>
        JSON.stringify(value),
      );
      problems.push(
        `${describeKey(option, path)}: it says ${ours}, ${origin} was told ${theirs}: ` +
          "give both the same",
      );
    }
  }
  const result = write(text, added, replaced, origin);
  if (problems.length === 0) {
    const all = { ...defaultShimOptions, ...there, ...options };
    for (const { key, problem } of optionProblems(all)) {
      const flag = serveOptions.find((each) => each.key === key)?.flag ?? key;
      problems.push(`${describeKey({ key, flag }, path)}: ${problem}`);
    }
  }
  return { text: result, problems };
}

function inFile({ kind }: ServeOption, value: unknown): unknown {
  return kind === "duration" ? formatDuration(Number(value)) : value;
}

function write(
  text: string,
  added: readonly [string, unknown][],
  replaced: readonly [string, unknown][],
  origin: string,
): string {
  if (added.length === 0 && replaced.length === 0) return text;
  const wanted: unknown = { ...parse(text), ...Object.fromEntries([...added, ...replaced]) };
  const careful = append(replaceValues(text, replaced), added, origin);
  if (isSame(careful, wanted)) return careful;
  // A file that is one JSON object, or ends its document, has no place for further lines.
  const document = parseDocument(text);
  for (const [key, value] of [...added, ...replaced]) document.set(key, value);
  return document.toString();
}

function isSame(text: string, wanted: unknown): boolean {
  try {
    const entries = (value: unknown) => JSON.stringify(Object.entries(value ?? {}).toSorted());
    return entries(parse(text)) === entries(wanted);
  } catch {
    return false;
  }
}

function replaceValues(text: string, replaced: readonly [string, unknown][]): string {
  let result = text;
  for (const [key, value] of replaced) {
    const { contents } = parseDocument(result);
    if (!isMap(contents)) continue;
    const node = contents.get(key, true);
    if (!isScalar(node) && !isCollection(node)) continue;
    const [start = 0, end = 0] = node.range ?? [];
    // A list in block style stands on the lines below its key, indented or not.
    const before = result.slice(0, start).replace(/\n[ \t]*$/, " ");
    const flow = stringify(value, yamlStyle).trimEnd();
    const after = result.slice(end);
    result = before + flow + (/\n$/.test(result.slice(start, end)) ? "\n" : "") + after;
  }
  return result;
}

const yamlStyle = { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: false } as const;

function append(text: string, added: readonly [string, unknown][], origin: string): string {
  if (added.length === 0) return text;
  const lines = added.map(([key, value]) => `${key}: ${stringify(value, yamlStyle)}`);
  const head = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const gap = head === "" ? "" : "\n";
  return `${head}${gap}# Carried over from ${origin}.\n${lines.join("")}`;
}
