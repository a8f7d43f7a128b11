import { CliError } from "../cli-error.js";
import { suggestName } from "../output/suggest-name.js";

export interface Candidate {
  id: string;
  /** What it may be called instead of its id, such as `web`, `pod/web` and `namespace/pod/web`. */
  names: readonly string[];
  /** Which of several of one name is meant: the highest. */
  precedence: number;
  /** Among candidates of one name in one group, precedence decides; across groups, nothing does. */
  group: string;
}

/** What of a thing a person has named it by, the surest first. */
const ways = ["id", "prefix", "name"] as const;

export interface Match<Item> {
  readonly item: Item;
  readonly by: (typeof ways)[number];
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
  const match = matchReference(reference, items, kind);
  if (match === undefined) {
    throw notFound(
      reference,
      kind,
      items.flatMap(({ names }) => names),
    );
  }
  return match.item;
}

/**
 * As {@link findByReference}, and tells what of the thing was named.
 *
 * @returns undefined where there is no such thing.
 * @throws CliError ambiguous with what it could be.
 */
export function matchReference<Item extends Candidate>(
  reference: string,
  items: readonly Item[],
  kind: string,
): Match<Item> | undefined {
  const exact = items.find((item) => item.id === reference);
  if (exact) return { item: exact, by: "id" };

  const byPrefix = reference === "" ? [] : items.filter((item) => item.id.startsWith(reference));
  if (byPrefix.length === 1 && byPrefix[0]) return { item: byPrefix[0], by: "prefix" };
  if (byPrefix.length > 1) throw ambiguous(reference, kind, byPrefix);

  const byName = items
    .filter((item) => item.names.includes(reference))
    .sort((a, b) => b.precedence - a.precedence);
  const [first] = byName;
  if (!first) return undefined;
  if (byName.some((item) => item.group !== first.group)) throw ambiguous(reference, kind, byName);
  return { item: first, by: "name" };
}

/** Of matches among things of several kinds, those that were named the surest way. */
export function surestMatches<Found extends { readonly by: (typeof ways)[number] }>(
  matches: readonly Found[],
): Found[] {
  const best = ways.find((way) => matches.some(({ by }) => by === way));
  return matches.filter(({ by }) => by === best);
}

/** The commands that list things of a kind. */
const lists = { container: "ps -a", pod: "pods", image: "images" };

/**
 * @param kind Of several kinds: "container, pod or image".
 * @param names What there is; one that is nearly the same is told.
 */
export function notFound(reference: string, kind: string, names: readonly string[] = []): CliError {
  const near = suggestName(reference, names);
  const wanted = Object.entries(lists).filter(([each]) => kind.includes(each));
  const listed = wanted.map(([, list]) => list).join(", ");
  const hint = near
    ? `did you mean ${near}?`
    : `see dockershim ${listed.replace(/, (?=[^,]*$)/, " or ")}`;
  return new CliError("not-found", `no ${kind} has the id or name "${reference}"; ${hint}`);
}

function ambiguous(reference: string, kind: string, items: readonly Candidate[]): CliError {
  const shown = items.slice(0, 5).map((item) => `${item.id.slice(0, 13)} (${item.names.at(-1)})`);
  const more = items.length > shown.length ? `, and ${items.length - shown.length} more` : "";
  return new CliError(
    "ambiguous",
    `"${reference}" could be several ${kind}s: ${shown.join(", ")}${more}`,
  );
}
