// Which exports of a package say nothing of themselves.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** What a package's manifest says of its entries. */
export type PackageExports = Readonly<Record<string, string | { readonly types?: string }>>;

/**
 * Names each export of a built package that has no docstring: readers of the generated pages, and of an editor's hints,
 * would have its name only. Code that was generated from others' files has their comments.
 *
 * @param folder The package's.
 */
export function docstringProblems(folder: string, exports: PackageExports): string[] {
  const problems = new Set<string>();
  for (const [entry, target] of Object.entries(exports)) {
    const types = typeof target === "object" ? target.types : undefined;
    if (types === undefined || entry.includes("*")) continue;
    const file = resolve(folder, types);
    for (const name of exportedNames(readFileSync(file, "utf8"))) {
      const found = declarationOf(file, name);
      if (found === undefined || found.file.includes("/gen/") || found.isDocumented) continue;
      problems.add(`${name} (${relative(folder, found.file)}) is exported, and has no docstring`);
    }
  }
  return [...problems];
}

/** Names that a file of declarations exports, as others import them. */
function exportedNames(text: string): string[] {
  const declared = [...text.matchAll(declaration("\\w+"))].map(([, , name = ""]) => name);
  return [...declared, ...reExports(text).map(({ as }) => as)];
}

function declaration(name: string): RegExp {
  const kinds = "function|const|let|class|interface|type|enum";
  return new RegExp(
    `(\\*/\\s*)?^export (?:declare )?(?:abstract )?(?:${kinds}) (${name})\\b`,
    "gm",
  );
}

interface ReExport {
  readonly name: string;
  readonly as: string;
  /** Undefined for what the file has imported or declared before. */
  readonly from: string | undefined;
}

function reExports(text: string): ReExport[] {
  const lists = text.matchAll(/^export (?:type )?\{([^}]*)\}(?: from "([^"]+)")?;/gm);
  return [...lists].flatMap(([, list = "", from]) =>
    list.split(",").flatMap((part) => {
      const [, name, as] = /^\s*(?:type )?(\w+)(?: as (\w+))?\s*$/.exec(part) ?? [];
      return name === undefined ? [] : [{ name, as: as ?? name, from }];
    }),
  );
}

/** Where an export is declared in this package; undefined for one of another package. */
function declarationOf(
  file: string,
  name: string,
): { readonly file: string; readonly isDocumented: boolean } | undefined {
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8");
  const [found] = text.matchAll(declaration(name));
  if (found !== undefined) return { file, isDocumented: found[1] !== undefined };
  const passed = reExports(text).find(({ as }) => as === name);
  if (passed?.from?.startsWith(".") !== true) return undefined;
  return declarationOf(join(dirname(file), passed.from.replace(/\.js$/, ".d.ts")), passed.name);
}
