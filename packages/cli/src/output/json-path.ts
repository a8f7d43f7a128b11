import { CliError } from "../cli-error.js";

/** One step of a path: of each value so far, the values that it leads to. */
export type Step = (values: readonly unknown[], root: unknown) => unknown[];

type Operator = "==" | "!=" | "<" | ">" | "<=" | ">=";

/**
 * Reads a path in kubectl's dialect of JSONPath, whose names may have a backslash before a dot.
 *
 * @param text Such as `.items[?(@.state=="Running")].metadata.name`, `$..image` or `.labels.a\.b`.
 * @throws CliError usage naming the place that cannot be read.
 */
export function parseJsonPath(text: string): Step {
  const reader = new PathReader(text);
  const step = reader.path();
  if (!reader.isAtEnd) throw reader.wrong("a dot or a bracket belongs here");
  return step;
}

class PathReader {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  wrong(why: string): CliError {
    return new CliError(
      "usage",
      `jsonpath: cannot read "${this.#text}" at ${this.#at + 1}: ${why}`,
    );
  }

  path(): Step {
    const steps: Step[] = [];
    this.#skipSpace();
    if (this.#take("$")) steps.push((_, root) => [root]);
    else this.#take("@");
    for (;;) {
      if (this.#take("..")) steps.push(descend, this.#take("*") ? members : this.#child());
      else if (this.#take(".*")) steps.push(members);
      else if (this.#take("[")) steps.push(this.#bracket());
      // A dot alone is the value itself, and one before a bracket says nothing.
      else if (!this.#take(".")) break;
      else if (this.#isName()) steps.push(this.#child());
    }
    return (values, root) => steps.reduce((all, step) => step(all, root), [...values]);
  }

  #child(): Step {
    if (this.#take("[")) return this.#bracket();
    const name = this.#match(/(?:\\.|[^\s.[\]{}()=!<>,'"|&\\])+/y);
    if (name === undefined) throw this.wrong("a name belongs here");
    return child(name.replace(/\\(.)/g, "$1"));
  }

  #isName(): boolean {
    return /[^\s.[\]{}()=!<>,'"|&]/.test(this.#text[this.#at] ?? " ");
  }

  #bracket(): Step {
    this.#skipSpace();
    const step = this.#take("?(")
      ? this.#filter()
      : this.#take("*")
        ? members
        : unionOf(this.#selectors());
    this.#skipSpace();
    if (!this.#take("]")) throw this.wrong('"]" belongs here');
    return step;
  }

  #selectors(): Step[] {
    const selectors: Step[] = [];
    do {
      this.#skipSpace();
      const slice = this.#match(/(-?\d+)?(:(-?\d+)?)?(:(\d+)?)?/y) ?? "";
      const name = slice === "" ? this.#quoted() : undefined;
      if (name !== undefined) selectors.push(child(name));
      else if (slice.includes(":")) selectors.push(sliceOf(slice));
      else if (slice !== "") selectors.push(element(Number(slice)));
      else throw this.wrong("an index, a range or a name in quotes belongs here");
      this.#skipSpace();
    } while (this.#take(","));
    return selectors;
  }

  #filter(): Step {
    const left = this.#operand();
    this.#skipSpace();
    const operator = this.#match(/[=!<>]=|[<>]/y) as Operator | undefined;
    const right = operator && this.#operand();
    this.#skipSpace();
    if (!this.#take(")")) throw this.wrong('"==", "!=", "<", "<=", ">", ">=" or ")" belongs here');
    return (values, root) =>
      values
        .flatMap((value) => (Array.isArray(value) ? value : [value]))
        .filter((value) => {
          const found = left([value], root);
          if (operator === undefined || right === undefined) return found.length > 0;
          const others = right([value], root);
          return found.length > 0 && others.length > 0 && compare(found[0], others[0], operator);
        });
  }

  #operand(): Step {
    this.#skipSpace();
    if (/[@$]/.test(this.#text[this.#at] ?? "")) return this.path();
    const quoted = this.#quoted();
    if (quoted !== undefined) return () => [quoted];
    const word = this.#match(/-?\d+(\.\d+)?|true|false|null/y);
    if (word === undefined) throw this.wrong("@, a text in quotes, a number or true belongs here");
    const value: unknown = JSON.parse(word);
    return () => [value];
  }

  #quoted(): string | undefined {
    const text = this.#match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/y);
    return text?.slice(1, -1).replace(/\\(.)/g, "$1");
  }

  #take(expected: string): boolean {
    const isThere = this.#text.startsWith(expected, this.#at);
    if (isThere) this.#at += expected.length;
    return isThere;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #skipSpace(): void {
    this.#match(/\s*/y);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function child(name: string): Step {
  return (values) =>
    values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));
}

const members: Step = (values) =>
  values.flatMap((value) =>
    Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [],
  );

/** The values themselves, and all that is in them. */
const descend: Step = (values, root) =>
  values.flatMap((value) => [value, ...descend(members([value], root), root)]);

function element(index: number): Step {
  return (values) =>
    values.flatMap((value) => {
      if (!Array.isArray(value)) return [];
      if (index >= value.length || index < -value.length) {
        throw new CliError(
          "failure",
          `jsonpath: there is no [${index}]: the list has ${value.length}`,
        );
      }
      return [value.at(index)];
    });
}

function sliceOf(text: string): Step {
  const [start = "", end = "", every = ""] = text.split(":");
  const step = every === "" ? 1 : Number(every);
  return (values) =>
    values.flatMap((value) => {
      if (!Array.isArray(value) || step === 0) return [];
      const part = value.slice(
        start === "" ? 0 : Number(start),
        end === "" ? value.length : Number(end),
      );
      return part.filter((_, index) => index % step === 0);
    });
}

function unionOf(selectors: readonly Step[]): Step {
  return (values, root) =>
    values.flatMap((value) => selectors.flatMap((select) => select([value], root)));
}

/** CRI's 64-bit numbers are texts in JSON: beside a number they count as numbers. */
function compare(a: unknown, b: unknown, operator: Operator): boolean {
  const numeric = typeof a === "number" || typeof b === "number";
  const [left, right] = numeric ? [Number(a), Number(b)] : [a as string, b as string];
  switch (operator) {
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case ">":
      return left > right;
    case "<=":
      return left <= right;
    case ">=":
      return left >= right;
  }
}
