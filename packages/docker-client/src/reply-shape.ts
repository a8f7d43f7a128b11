type Kind = "string" | "number" | "boolean" | "object";

/**
 * What a reply of the engine has to have, as far as callers rely on it: the kind of a value (with a
 * `?` it may also be null or absent), the shape of a list's entries, or shapes by field.
 */
export type ReplyShape =
  | Kind
  | `${Kind}?`
  | readonly [ReplyShape]
  | { readonly [field: string]: ReplyShape };

/** What a reply lacks of its shape, as `State.Status is missing`; undefined when nothing. */
export function shapeProblem(value: unknown, shape: ReplyShape, place = "it"): string | undefined {
  if (typeof shape === "string") return kindProblem(value, shape, place);
  if (isList(shape)) {
    if (!Array.isArray(value)) return `${place} is no list`;
    return firstProblem(value.entries(), (entry, index) =>
      shapeProblem(entry, shape[0], place === "it" ? `entry ${index}` : `${place}[${index}]`),
    );
  }
  const problem = kindProblem(value, "object", place);
  if (problem !== undefined) return problem;
  const fields = value as Record<string, unknown>;
  return firstProblem(Object.entries(shape), (inner, field) =>
    shapeProblem(fields[field], inner, place === "it" ? field : `${place}.${field}`),
  );
}

function isList(shape: ReplyShape): shape is readonly [ReplyShape] {
  return Array.isArray(shape);
}

function kindProblem(value: unknown, shape: Kind | `${Kind}?`, place: string): string | undefined {
  const absent = value === undefined || value === null;
  if (absent && shape.endsWith("?")) return undefined;
  if (absent) return `${place} is missing`;
  const kind = shape.replace("?", "");
  return typeof value === kind ? undefined : `${place} is no ${kind}`;
}

function firstProblem<K, V>(
  entries: Iterable<[K, V]>,
  problem: (value: V, key: K) => string | undefined,
): string | undefined {
  for (const [key, value] of entries) {
    const found = problem(value, key);
    if (found !== undefined) return found;
  }
  return undefined;
}
