import { CliError } from "../cli-error.js";

/** One condition of a selector; all of them have to hold. */
interface Requirement {
  readonly key: string;
  readonly operator: "in" | "notin" | "exists" | "absent";
  /** Empty for the last two. */
  readonly values: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** Chooses things by their labels. */
export interface LabelSelector {
  matches(labels: Labels): boolean;
  /** What CRI's own filters can do of it, so that the runtime sends less. */
  readonly equal: Labels;
}

/**
 * Reads what `kubectl -l` takes: conditions separated by commas, each `key=value`, `key==value`,
 * `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key` or `!key`. As there, a thing without the
 * key fulfils `!=` and `notin`.
 *
 * @throws CliError usage, with what could not be read.
 */
export function parseLabelSelector(text: string): LabelSelector {
  return createSelector(parseRequirements(text));
}

/** Both selectors have to hold. */
export function collectLabelSelector(text: string, previous?: LabelSelector): LabelSelector {
  const selector = parseLabelSelector(text);
  if (previous === undefined) return selector;
  return {
    matches: (labels) => previous.matches(labels) && selector.matches(labels),
    equal: { ...previous.equal, ...selector.equal },
  };
}

function createSelector(requirements: readonly Requirement[]): LabelSelector {
  const equal = requirements.flatMap(({ operator, key, values: [value = "", ...others] }) =>
    operator === "in" && value !== "" && others.length === 0 ? [[key, value]] : [],
  );
  return {
    matches: (labels) => requirements.every((requirement) => holds(requirement, labels)),
    equal: Object.fromEntries(equal),
  };
}

function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "in":
      return value !== undefined && values.includes(value);
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
  }
}

const token = /\s*(,|\(|\)|!=|==|=|!|[^\s,()=!]+)/y;

function parseRequirements(text: string): Requirement[] {
  const tokens = tokenize(text);
  const requirements: Requirement[] = [];
  while (tokens.length > 0) {
    requirements.push(parseRequirement(tokens, text));
    const comma = tokens.shift();
    if (comma !== undefined && comma !== ",") throw unexpected(text, comma);
    if (comma === "," && tokens.length === 0) throw unexpected(text, undefined);
  }
  return requirements;
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  token.lastIndex = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    tokens.push(found[1] ?? "");
  }
  return tokens;
}

/** Takes one condition off the tokens. */
function parseRequirement(tokens: string[], text: string): Requirement {
  const absent = tokens[0] === "!";
  if (absent) tokens.shift();
  const key = tokens.shift();
  if (!isWord(key)) throw unexpected(text, key);
  checkKey(key, text);
  if (absent) return { key, operator: "absent", values: [] };

  const operator = tokens[0];
  if (operator === undefined || operator === ",") return { key, operator: "exists", values: [] };
  tokens.shift();
  switch (operator) {
    case "=":
    case "==":
      return { key, operator: "in", values: [takeValue(tokens, text)] };
    case "!=":
      return { key, operator: "notin", values: [takeValue(tokens, text)] };
    case "in":
    case "notin":
      return { key, operator, values: takeSet(tokens, text) };
    default:
      throw unexpected(text, operator);
  }
}

/** Values may be empty: `key=`, and `key in (a,)`. */
function takeValue(tokens: string[], text: string): string {
  const [next] = tokens;
  if (!isWord(next)) return "";
  tokens.shift();
  if (next.length > 63 || !/^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/.test(next)) {
    throw refusal(text, `"${next}" can be no label's value`);
  }
  return next;
}

function takeSet(tokens: string[], text: string): string[] {
  const opening = tokens.shift();
  if (opening !== "(") throw unexpected(text, opening, '"("');
  const values: string[] = [];
  for (;;) {
    values.push(takeValue(tokens, text));
    const next = tokens.shift();
    if (next === ")") return values;
    if (next !== ",") throw unexpected(text, next, '"," or ")"');
  }
}

function isWord(found: string | undefined): found is string {
  return found !== undefined && /^[^,()=!]/.test(found);
}

/** A name, with a DNS subdomain before it if need be (Kubernetes' "qualified name"). */
function checkKey(key: string, text: string): void {
  const [name = "", prefix, ...rest] = key.split("/").reverse();
  const nameFits = name.length <= 63 && /^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/.test(name);
  const prefixFits = prefix === undefined || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(prefix);
  if (!nameFits || !prefixFits || rest.length > 0) {
    throw refusal(text, `"${key}" can be no label's name`);
  }
}

function unexpected(text: string, found: string | undefined, wanted = ""): CliError {
  const what = found === undefined ? "it ends too early" : `"${found}" is out of place`;
  return refusal(text, wanted === "" ? what : `${what}, ${wanted} should be there`);
}

function refusal(text: string, why: string): CliError {
  const forms = "a=b, a!=b, a in (b,c), a notin (b,c), a, !a";
  return new CliError("usage", `--label: cannot read "${text}": ${why} (conditions: ${forms})`);
}
