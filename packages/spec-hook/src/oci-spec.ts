/** A container's `config.json` (OCI runtime spec): plain JSON, whatever is in it. */
export type OciSpec = { [key: string]: unknown };

/** ECMAScript's JSON.parse with source text access, which TypeScript does not know yet. */
type SourceReviver = (
  this: unknown,
  key: string,
  value: unknown,
  context: { source?: string },
) => unknown;
const json = JSON as unknown as {
  parse(text: string, reviver: SourceReviver): unknown;
  rawJSON(text: string): unknown;
};

/**
 * Reads a spec so that {@link specText} writes each number as it was: limits and arguments of seccomp filters may be
 * 64 bits wide, of which a JavaScript number holds 53. A number that it cannot hold is kept as its text.
 *
 * @throws SyntaxError when it is no JSON object
 */
export function parseSpec(text: string): OciSpec {
  const value = json.parse(text, (_key, parsed, { source }) =>
    typeof parsed === "number" && !Number.isSafeInteger(parsed) && source !== undefined
      ? json.rawJSON(source)
      : parsed,
  );
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("a spec is a JSON object");
  }
  return value as OciSpec;
}

/** The text of a spec for `config.json`. */
export function specText(spec: OciSpec): string {
  return JSON.stringify(spec);
}
