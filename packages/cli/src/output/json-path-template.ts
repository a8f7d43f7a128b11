import { CliError } from "../cli-error.js";
import { parseJsonPath, type Step } from "./json-path.js";

/** Writes its part of the output for a value. */
type Part = (value: unknown, root: unknown) => string;

/**
 * Reads a template of `kubectl -o jsonpath=`: text with paths, texts in quotes, and `{range PATH} … {end}` in braces.
 * A path alone needs no braces.
 *
 * @returns Fills the template in with a value. What a path does not find is left out, as with kubectl; several
 *   values have a space between them, and what is no text or number is JSON.
 * @throws CliError usage for what cannot be read; from what is returned, failure for an index beyond its list.
 */
export function parseTemplate(template: string): (value: unknown) => string {
  const whole = /^\s*[.$@]/.test(template) && !template.includes("{") ? `{${template}}` : template;
  const tokens = tokenize(whole);
  const parts = parseParts(tokens, false);
  return (value) => parts.map((part) => part(value, value)).join("");
}

interface Token {
  readonly kind: "text" | "action";
  readonly text: string;
}

/** Braces within quotes belong to the text there. */
function tokenize(template: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\{((?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^{}"'])*)\}|[^{}]+/gy;
  let at = 0;
  for (let found = pattern.exec(template); found; found = pattern.exec(template)) {
    const [all, action] = found;
    if (action === undefined) tokens.push({ kind: "text", text: all });
    else tokens.push({ kind: "action", text: action.trim() });
    at = pattern.lastIndex;
  }
  if (at < template.length) {
    throw new CliError(
      "usage",
      `jsonpath: cannot read "${template.slice(at)}": braces do not match`,
    );
  }
  return tokens;
}

/** Takes tokens from the front until there are none left, or until the range that they are in ends. */
function parseParts(tokens: Token[], inRange: boolean): Part[] {
  const parts: Part[] = [];
  for (let token = tokens.shift(); token; token = tokens.shift()) {
    const { kind, text } = token;
    if (kind === "action" && text === "end") {
      if (!inRange) throw new CliError("usage", "jsonpath: {end} has no {range} before it");
      return parts;
    }
    if (kind === "text") {
      parts.push(() => text);
    } else if (/^range\s/.test(text)) {
      parts.push(rangeOf(parseJsonPath(text.slice("range".length)), parseParts(tokens, true)));
    } else if (/^["']/.test(text)) {
      const literal = unquote(text);
      parts.push(() => literal);
    } else {
      parts.push(valuesOf(parseJsonPath(text)));
    }
  }
  if (inRange) throw new CliError("usage", "jsonpath: {range} has no {end}");
  return parts;
}

function rangeOf(path: Step, parts: readonly Part[]): Part {
  return (value, root) =>
    path([value], root)
      .map((each) => parts.map((part) => part(each, root)).join(""))
      .join("");
}

function valuesOf(path: Step): Part {
  return (value, root) => path([value], root).map(printed).join(" ");
}

function printed(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function unquote(text: string): string {
  if (text.length < 2 || text.at(-1) !== text[0]) {
    throw new CliError("usage", `jsonpath: cannot read ${text}: the quotes do not match`);
  }
  return text.slice(1, -1).replace(/\\(.)/gs, (_, escaped) => escapes[escaped] ?? escaped);
}
