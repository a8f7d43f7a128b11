// What a TypeScript file imports.

/** An import as it is written, and the line it is on. */
export interface Import {
  readonly name: string;
  readonly line: number;
}

/**
 * Finds what a text imports: values and types, whole modules, at run time and within types. Biome's format, which
 * lint holds, leaves few ways to write that, so that a pattern finds them all.
 */
export function importsOf(text: string): Import[] {
  const found = text.matchAll(/\b(?:from\s|import\s*\(?)\s*(["'`])([^"'`\n]+)\1/g);
  return Array.from(found, (match) => ({
    name: match[2] ?? "",
    line: text.slice(0, match.index).split("\n").length,
  }));
}
