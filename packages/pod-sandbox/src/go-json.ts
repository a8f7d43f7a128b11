import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";

/** V8 has both since 11.4, so Node since 21; TypeScript's library does not yet. */
const { rawJSON, parse } = JSON as unknown as {
  rawJSON(text: string): object;
  parse(
    text: string,
    revive: (key: string, value: unknown, at: { source?: string }) => unknown,
  ): unknown;
};

/**
 * What Go wrote, for `JSON.stringify` to write again: integers of 64 bits keep all their digits.
 *
 * @throws SyntaxError for what is no JSON.
 */
export function parseGoJson(text: string): unknown {
  return parse(text, (_key, value, { source = "" }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? rawJSON(source)
      : value,
  );
}

/**
 * A message as Go's `encoding/json` writes the struct that protoc-gen-go makes of it, which is what
 * Go programs exchange by file: names as in the `.proto`, enumerations and all integers as numbers,
 * what is zero or empty left out. For messages without bytes. Protobuf's own JSON has enumerations by name and 64 bits as text,
 * and `encoding/json` reads neither.
 *
 * @returns What `JSON.stringify` takes; 64 bits keep all their digits.
 */
export function toGoJson(schema: DescMessage, message: Message): Record<string, unknown> {
  const values = message as unknown as Record<string, unknown>;
  const entries = schema.fields
    .map((field) => [field.name, goValueOf(field, values[field.localName])] as const)
    .filter(([, value]) => !isEmpty(value));
  return Object.fromEntries(entries);
}

function goValueOf(field: DescField, value: unknown): unknown {
  if (value === undefined) return undefined;
  const one = (item: unknown): unknown =>
    field.message === undefined ? scalarOf(item) : toGoJson(field.message, item as Message);
  if (field.fieldKind === "list") return (value as readonly unknown[]).map(one);
  if (field.fieldKind !== "map") return one(value);
  const entries = Object.entries(value as object);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map(([key, item]) => [key, one(item)] as const));
}

function scalarOf(value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  return value === 0n ? 0 : rawJSON(String(value));
}

/** `omitempty`; a message that is there is written even if all of it is zero. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === 0 || value === "" || value === false) return true;
  return Array.isArray(value) && value.length === 0;
}
