// Where a lone statement stands: behind its `if`, `else`, `for` or `while` if that fits a line, otherwise in a
// block. Biome knows only blocks everywhere, or whatever one likes.

/** As in biome.json. */
const lineWidth = 100;

const head = /^( *)((?:if|for|for await|while) \(.*\)) \{$/;
const nextHead = /^ *\} (else(?: if \(.*\))?) \{$/;
/** Declarations need their block; statements with a body of their own are easier to read in one. */
const notAlone =
  /^(?:if|for|while|do|switch|try|const|let|class|function|async function)\b|^[{}]|^\/[/*]/;

/** A block, or a chain of them, which could be lines. */
interface Shortening {
  /** Index of its first line. */
  readonly from: number;
  /** Index of the line with its last brace. */
  readonly to: number;
  readonly lines: readonly string[];
}

/** @returns Undefined where a block is needed. */
function shorteningAt(source: readonly string[], from: number): Shortening | undefined {
  const [, indent = "", first] = head.exec(source[from] ?? "") ?? [];
  const lines: string[] = [];
  let start = first;
  for (let at = from + 1; start !== undefined; at += 2) {
    const statement = source[at] ?? "";
    const alone = statement.slice(indent.length + 2);
    if (!statement.startsWith(`${indent}  `) || !/^\S.*;$/.test(alone) || notAlone.test(alone)) {
      return undefined;
    }
    lines.push(`${indent}${start} ${alone}`);
    const end = source[at + 1] ?? "";
    if (end === `${indent}}`) {
      return lines.every(({ length }) => length <= lineWidth)
        ? { from, to: at + 1, lines }
        : undefined;
    }
    start = nextHead.exec(end)?.[1];
  }
  return undefined;
}

/** Puts lone statements of a text in Biome's format behind what they belong to, where that fits. */
export function shortened(text: string): string {
  const source = text.split("\n");
  const lines: string[] = [];
  for (let at = 0; at < source.length; at++) {
    const found = shorteningAt(source, at);
    lines.push(...(found?.lines ?? [source[at] ?? ""]));
    if (found !== undefined) at = found.to;
  }
  return lines.join("\n");
}

/** Says in one line each, with its number, where a text in Biome's format has a statement in the wrong place. */
export function bracingProblems(text: string): string[] {
  const source = text.split("\n");
  const problems: string[] = [];
  const say = (at: number, problem: string) => problems.push(`${at + 1}: ${problem}`);
  for (const [at, line] of source.entries()) {
    const next = source[at + 1] ?? "";
    const deeper = next.search(/\S/) > line.search(/\S/);
    if (shorteningAt(source, at) !== undefined) {
      say(at, "fits a line without a block");
    } else if (/^ *(?:\} )?(?:(?:else )?(?:if|for|for await|while) \(.*\)|else)$/.test(line)) {
      say(at, "its body is on the next line, and needs a block");
    } else if (/^ *\)$/.test(line) && deeper && !/^ *[.?:]/.test(next)) {
      say(at, "its body is on the next line, and needs a block");
    } else if (/^ *\} else (?!if \(|\{)/.test(line) || /^ *\} else if \(.*;$/.test(line)) {
      say(at, "has no block, but the branch before it has one");
    } else if (/^ *else .*\{$/.test(line)) {
      say(at, "has a block, but the branch before it has none");
    }
  }
  return problems;
}
