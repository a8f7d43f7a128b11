import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { contentProblems, meantContents, sourceMapProblems } from "../package-contents.ts";
import { type Manifest, manifestProblems } from "../package-manifest.ts";

const cni = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../packages/cni/package.json"), "utf8"),
) as Manifest;

describe("a manifest", () => {
  test("of a package as they are has no problems", () => {
    expect(manifestProblems(cni, "cni")).toEqual([]);
  });

  test.each([
    "homepage",
    "bugs",
    "repository",
    "license",
    "author",
    "description",
    "keywords",
    "engines",
    "type",
  ])("without %s is told of", (field) => {
    const { [field]: _, ...without } = cni;
    expect(manifestProblems(without, "cni")).toEqual([expect.stringMatching(`^${field} `)]);
  });

  test.each(["build", "check:package", "test:unit", "typecheck"])(
    "without the script %s is told of",
    (script) => {
      const scripts = { ...(cni.scripts as Record<string, string>) };
      delete scripts[script];
      expect(manifestProblems({ ...cni, scripts }, "cni")).toEqual([
        expect.stringMatching(`^scripts.${script} is undefined`),
      ]);
    },
  );

  test("copied from another package is told of field by field", () => {
    expect(manifestProblems(cni, "streaming").map((problem) => problem.split(" ")[0])).toEqual([
      "name",
      "homepage",
      "repository",
    ]);
  });

  test("that does not publish the sources of its source maps is told of", () => {
    const files = ["CHANGELOG.md", "dist", "!dist/.tsbuildinfo"];
    expect(manifestProblems({ ...cni, files }, "cni")).toEqual(['files lacks "src"']);
  });

  test("that pins a package of ours, or a library outside the catalog, is told of", () => {
    const dependencies = { "@dockershim/cgroups": "workspace:*", ws: "8.0.0" };
    expect(manifestProblems({ ...cni, dependencies }, "cni")).toEqual([
      'dependency @dockershim/cgroups is "workspace:*", not "workspace:^"',
      'dependency ws is "8.0.0", not "catalog:"',
    ]);
  });
});

describe("a tarball", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "package-"));
    const files = ["README.md", "src/index.ts", "src/http/call.ts", "bin/run.js", "test/a.test.ts"];
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), "");
    }
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const built = ["dist/http/call", "dist/index"].flatMap((stem) =>
    [".d.ts", ".d.ts.map", ".js", ".js.map"].map((ending) => stem + ending),
  );
  const meant = [
    "LICENSE",
    "README.md",
    "bin/run.js",
    ...built,
    "package.json",
    "src/http/call.ts",
    "src/index.ts",
  ];

  test("is meant to have the sources, what the build makes of them, and what else files names", () => {
    expect(meantContents(folder, { files: ["bin", "dist", "src", "!dist/.tsbuildinfo"] })).toEqual(
      meant,
    );
  });

  test("has the change log as soon as there is one", () => {
    writeFileSync(join(folder, "CHANGELOG.md"), "");
    expect(meantContents(folder, { files: ["CHANGELOG.md"] })).toContain("CHANGELOG.md");
  });

  test("with just that has no problems", () => {
    expect(contentProblems(meant, meant)).toEqual([]);
  });

  test("without the licence, or without what a source gives, is told of", () => {
    const packed = meant.filter((file) => file !== "LICENSE" && file !== "dist/index.d.ts");
    expect(contentProblems(packed, meant)).toEqual([
      "LICENSE is not packed",
      "dist/index.d.ts is not packed",
    ]);
  });

  test("with what an older source gave is told of", () => {
    expect(contentProblems([...meant, "dist/gone.js"], meant)).toEqual(["dist/gone.js is packed"]);
  });

  test("with tests is told of, although files names them", () => {
    const withTests = meantContents(folder, { files: ["test"] });
    expect(contentProblems(withTests, withTests)).toEqual([
      "test/a.test.ts is packed, and is of tests or of the build only",
    ]);
  });

  test("with a source map whose source is missing is told of", () => {
    const maps: Record<string, string> = {
      "dist/index.js.map": JSON.stringify({ sources: ["../src/index.ts"] }),
      "dist/http/call.js.map": JSON.stringify({
        sourceRoot: "../..",
        sources: ["src/http/call.ts"],
      }),
    };
    const readMap = (path: string) => maps[path] ?? "";
    const packed = [...Object.keys(maps), "src/http/call.ts"];
    expect(sourceMapProblems([...packed, "src/index.ts"], readMap)).toEqual([]);
    expect(sourceMapProblems(packed, readMap)).toEqual([
      "dist/index.js.map names src/index.ts, which is not packed",
    ]);
  });
});
