import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { specHookShim } from "@dockershim/spec-hook/program";
import { type BuildResult, build, type Plugin } from "esbuild";

/** The name by which the program asks for koffi's library among the executable's assets. */
export const nativeLibraryName = "koffi.node";

/** All that the executable needs beside Node itself. */
export interface Bundle {
  /** The program as one CommonJS text in ASCII, which is what V8 reads fastest. */
  readonly program: string;
  /** Folders of the packages whose code is in it, for their licences. */
  readonly packageFolders: ReadonlySet<string>;
}

/**
 * Bundles the command, the daemon and its threads. What a package reads beside itself at run time
 * (a thread's code, the pause program, its own version) becomes part of the text.
 *
 * @param root The checkout, built.
 * @throws Error when something would still be read from a file: the executable has none.
 */
export async function bundleProgram(root: string): Promise<Bundle> {
  const packageFolders = new Set<string>();

  async function bundle(entry: string, format: "cjs" | "esm"): Promise<string> {
    const result = await build({
      entryPoints: [entry],
      absWorkingDir: root,
      bundle: true,
      write: false,
      platform: "node",
      target: "node24",
      format,
      minifyWhitespace: true,
      minifySyntax: true,
      // Names stay: stack traces of a bug report should say something.
      charset: "ascii",
      legalComments: "none",
      metafile: true,
      logLevel: "silent",
      // A thread's code is a module, in which CommonJS packages find no `require`.
      banner: format === "esm" ? { js: requireForModules } : {},
      plugins: [processAsGlobal, inlined(bundle), nativeLibrary],
    });
    refuseWarnings(result);
    for (const input of Object.keys(result.metafile?.inputs ?? {})) {
      const folder = /^(?!process:).*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input);
      if (folder !== null) packageFolders.add(resolve(root, folder[0]));
    }
    return result.outputFiles?.[0]?.text ?? "";
  }

  const program = await bundle(join(root, "packaging/entry.js"), "cjs");
  return { program, packageFolders };
}

const requireForModules =
  'import{createRequire as __createRequire}from"node:module";const require=__createRequire("file:///");';

function refuseWarnings({ warnings }: BuildResult): void {
  const first = warnings[0];
  if (first !== undefined) {
    throw new Error(`${first.location?.file}:${first.location?.line}: ${first.text}`);
  }
}

/**
 * `process` by the global. Its module as CommonJS code sees it is made by reading each of its
 * properties, some of which are slow.
 */
const processAsGlobal: Plugin = {
  name: "process-as-global",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?process$/ }, () => ({ path: "process", namespace: "process" }));
    onLoad({ filter: /.*/, namespace: "process" }, () => ({
      contents: "module.exports = globalThis.process;",
      loader: "js",
    }));
  },
};

/** What stands in a file beside the code, and the text that takes its place. */
interface Replacement {
  readonly file: RegExp;
  readonly pattern: RegExp;
  text(folder: string, match: RegExpExecArray): Promise<string>;
}

function inlined(bundleThread: (entry: string, format: "esm") => Promise<string>): Plugin {
  const replacements: readonly Replacement[] = [
    {
      file: /\/(?:cli\/dist\/cli-version|shim-server\/dist\/version)\.js$/,
      pattern: /JSON\.parse\(readFileSync\(new URL\("([^"]+)", import\.meta\.url\), "utf8"\)\)/,
      text: async (folder, [, manifest = ""]) => {
        const { version } = JSON.parse(await readFile(join(folder, manifest), "utf8"));
        return JSON.stringify({ version });
      },
    },
    {
      file: /\/(?:container-logs\/dist\/log-thread|shim-server\/dist\/(?:streaming\/netns-sockets|spec-hook\/mount-thread))\.js$/,
      pattern: /new URL\("([^"]+-worker\.js)", import\.meta\.url\)/,
      text: async (folder, [, thread = ""]) => {
        const code = await bundleThread(join(folder, thread), "esm");
        const url = `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`;
        return `new URL(${JSON.stringify(url)})`;
      },
    },
    {
      file: /\/pause-image\/dist\/pause-image\.js$/,
      pattern: /readFileSync\(new URL\(`\.\.\/bin\/pause-\$\{arch\}`, import\.meta\.url\)\)/,
      text: (folder) => programsByName("arch", (arch) => join(folder, `../bin/pause-${arch}`)),
    },
    {
      file: /\/spec-hook\/dist\/program\.js$/,
      pattern:
        /readFileSync\(new URL\(`\.\.\/bin\/\$\{name\}\/\$\{specHookShim\}`, import\.meta\.url\)\)/,
      text: (folder) =>
        programsByName("name", (arch) => join(folder, `../bin/${arch}/${specHookShim}`)),
    },
  ];
  return {
    name: "inlined",
    setup({ onLoad }) {
      for (const { file, pattern, text } of replacements) {
        onLoad({ filter: file }, async ({ path }) => {
          const code = await readFile(path, "utf8");
          const match = pattern.exec(code);
          if (match === null) throw new Error(`${path}: nothing that looks like ${pattern}`);
          const inline = await text(dirname(path), match);
          const replaced = code.replace(pattern, () => inline);
          return { contents: replaced, loader: "js" };
        });
      }
    },
  };
}

/** An expression that is the program for the architecture that a variable names. */
async function programsByName(
  variable: string,
  fileOf: (architecture: string) => string,
): Promise<string> {
  const programs: Record<string, string> = {};
  for (const architecture of ["amd64", "arm64"]) {
    programs[architecture] = await readFile(fileOf(architecture), "base64");
  }
  return `Buffer.from(${JSON.stringify(programs)}[${variable}], "base64")`;
}

/** koffi's library comes out of the executable instead of a package's folder; see native-library.js. */
const nativeLibrary: Plugin = {
  name: "native-library",
  setup({ onLoad }) {
    onLoad({ filter: /\/koffi\/src\/koffi\/src\/static\.js$/ }, () => ({
      contents: `
        import { loadNative } from "./native-library.js";
        export const loadStatic = () => loadNative(${JSON.stringify(nativeLibraryName)});`,
      resolveDir: import.meta.dirname,
      loader: "js",
    }));
    // It asks where it is, although then it need not know.
    onLoad({ filter: /\/koffi\/src\/koffi\/index\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8"))
        .replaceAll("import.meta.url", '"file:///"')
        .replaceAll("import.meta.dirname", '"/"'),
      loader: "js",
    }));
  },
};
