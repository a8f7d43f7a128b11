// What the package.json of every published package has to say.
import { isDeepStrictEqual } from "node:util";

const repository = "https://github.com/dockershim/dockershim";

export interface Manifest {
  name?: string;
  version?: string;
  private?: boolean;
  description?: string;
  keywords?: string[];
  files?: string[];
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  [field: string]: unknown;
}

/** Fields that have the same value in all packages, or one that follows from the folder's name. */
function givenFields(folder: string): Record<string, unknown> {
  return {
    name: `@dockershim/${folder}`,
    homepage: `${repository}/tree/main/packages/${folder}#readme`,
    bugs: `${repository}/issues`,
    repository: {
      type: "git",
      url: `git+${repository}.git`,
      directory: `packages/${folder}`,
    },
    license: "Apache-2.0",
    author: "The dockershim authors",
    type: "module",
    engines: { node: ">=22" },
    "scripts.build": "node ../../scripts/prune-dist.ts && tsc -b",
    "scripts.check:package": "node ../../scripts/check-package.ts",
    "scripts.test:unit": "node ../../scripts/unit-tests.ts",
    "scripts.typecheck": "tsc -b . test",
  };
}

function valueAt(manifest: Manifest, path: string): unknown {
  let value: unknown = manifest;
  for (const key of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[key];
  return value;
}

/** Says in one line each what is missing or different in the manifest of `packages/FOLDER`. */
export function manifestProblems(manifest: Manifest, folder: string): string[] {
  const problems: string[] = [];
  for (const [path, wanted] of Object.entries(givenFields(folder))) {
    const value = valueAt(manifest, path);
    if (!isDeepStrictEqual(value, wanted)) {
      problems.push(`${path} is ${JSON.stringify(value)}, not ${JSON.stringify(wanted)}`);
    }
  }
  if (!manifest.description) problems.push("description is missing");
  if (!manifest.keywords?.length) problems.push("keywords are missing");
  for (const entry of ["CHANGELOG.md", "dist", "src", "!dist/.tsbuildinfo"]) {
    if (!manifest.files?.includes(entry)) problems.push(`files lacks "${entry}"`);
  }
  for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
    // A range, not one version: a fix of a package then needs no release of those that use it.
    const wanted = name.startsWith("@dockershim/") ? "workspace:^" : "catalog:";
    if (range !== wanted) problems.push(`dependency ${name} is "${range}", not "${wanted}"`);
  }
  return problems;
}
