import { CliError } from "./cli-error.js";

export interface Candidate {
  id: string;
  /** What it may be called instead of its id, such as `web`, `pod/web` and `namespace/pod/web`. */
  names: readonly string[];
  /** Which of several of one name is meant: the highest. */
  precedence: number;
  /** Among candidates of one name in one group, precedence decides; across groups, nothing does. */
  group: string;
}

/**
 * Finds the one thing that a person means by an id, the beginning of an id, or a name.
 * An id comes before the beginning of one, and that before a name.
 *
 * @param kind For messages: "container", "pod".
 * @throws CliError not-found, or ambiguous with what it could be.
 */
export function findByReference<Item extends Candidate>(
  reference: string,
  items: readonly Item[],
  kind: string,
): Item {
  const exact = items.find((item) => item.id === reference);
  if (exact) return exact;

  const byPrefix = reference === "" ? [] : items.filter((item) => item.id.startsWith(reference));
  if (byPrefix.length === 1 && byPrefix[0]) return byPrefix[0];
  if (byPrefix.length > 1) throw ambiguous(reference, kind, byPrefix);

  const byName = items
    .filter((item) => item.names.includes(reference))
    .sort((a, b) => b.precedence - a.precedence);
  const [first] = byName;
  if (!first) throw new CliError("not-found", `no ${kind} has the id or name "${reference}"`);
  if (byName.some((item) => item.group !== first.group)) throw ambiguous(reference, kind, byName);
  return first;
}

function ambiguous(reference: string, kind: string, items: readonly Candidate[]): CliError {
  const shown = items.slice(0, 5).map((item) => `${item.id.slice(0, 13)} (${item.names.at(-1)})`);
  const more = items.length > shown.length ? `, and ${items.length - shown.length} more` : "";
  return new CliError(
    "ambiguous",
    `"${reference}" could be several ${kind}s: ${shown.join(", ")}${more}`,
  );
}
