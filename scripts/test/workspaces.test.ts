import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { countReport, reportFile } from "../unit-reports.ts";
import { importProblems } from "../workspace-imports.ts";
import { type Workspace, workspacesOf } from "../workspaces.ts";

test("workspaces are those of pnpm-workspace.yaml, with their manifests", () => {
  const found = workspacesOf(join(import.meta.dirname, "../.."));
  const names = found.map(({ folder, manifest }) => `${folder} ${manifest.name}`);
  expect(names).toContain("packages/cni @dockershim/cni");
  expect(names).toContain("lab @dockershim/lab");
});

describe("what a workspace imports of others", () => {
  const lab: Workspace = { folder: "lab", manifest: { name: "@x/lab" } };
  const cni: Workspace = { folder: "packages/cni", manifest: { name: "@x/cni" } };
  const own = (dependencies: object): Workspace => ({
    folder: "bench",
    manifest: { name: "@x/bench", ...dependencies },
  });
  const text =
    'import a from "../../lab/config.ts";\nimport b from "@x/cni/sub";\nimport c from "./c.ts";\n';

  test("has to be in its manifest, by name or by path", () => {
    const bench = own({});
    expect(importProblems("bench/test/a.ts", text, bench, [bench, cni, lab])).toEqual([
      "bench/test/a.ts:1: imports ../../lab/config.ts, and bench does not depend on @x/lab",
      "bench/test/a.ts:2: imports @x/cni/sub, and bench does not depend on @x/cni",
    ]);
  });

  test("is no problem where it is there, for tests or for all", () => {
    const bench = own({
      dependencies: { "@x/cni": "workspace:^" },
      devDependencies: { "@x/lab": "workspace:^" },
    });
    expect(importProblems("bench/test/a.ts", text, bench, [bench, cni, lab])).toEqual([]);
  });
});

describe("a report of jest", () => {
  const folder = mkdtempSync(join(tmpdir(), "reports-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  const file = reportFile(folder, "packages/cni");
  const counted = (counts: object, ok = true) => {
    const none = { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0 };
    writeFileSync(file, JSON.stringify({ ...none, success: true, ...counts }));
    return countReport(file, ok);
  };

  test("counts cases, and files that could not be run as failed ones", () => {
    expect(counted({ numPassedTests: 5 })).toEqual({ passed: 5, failed: 0 });
    expect(
      counted({
        numPassedTests: 5,
        numFailedTests: 2,
        numRuntimeErrorTestSuites: 1,
        success: false,
      }),
    ).toEqual({ passed: 5, failed: 3 });
  });

  test("of a run that failed without a failing case has one", () => {
    expect(counted({ numPassedTests: 5, success: false })).toEqual({ passed: 5, failed: 1 });
    expect(counted({ numPassedTests: 5 }, false)).toEqual({ passed: 5, failed: 1 });
  });

  test("that is not there is a failure", () => {
    expect(countReport(join(folder, "none.json"), true)).toEqual({ passed: 0, failed: 1 });
  });
});
