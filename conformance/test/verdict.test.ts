import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readReport } from "../ginkgo-report.ts";
import type { HostFacts } from "../host-facts.ts";
import { findKnown, type KnownFailure, readKnownFailures } from "../known-failures.ts";
import type { Outcome } from "../outcome.ts";
import { formatReport } from "../report.ts";
import { judge } from "../verdict.ts";

const outcome = (name: string, state: Outcome["state"], reason = ""): Outcome => ({
  name,
  state,
  reason,
  seconds: 1,
});

const poor: HostFacts = {
  hasCapability: () => false,
  hasModule: () => false,
  cgroups: 1,
  userModeLinux: true,
};
const rich: HostFacts = {
  hasCapability: () => true,
  hasModule: () => true,
  cgroups: 2,
  userModeLinux: false,
};

describe("the verdict", () => {
  const known = [{ name: "digest", reason: "cannot be served" }];

  test("counts a failure that the list names as known and any other as a failure", () => {
    const run = [outcome("digest", "failed", "404"), outcome("log", "failed", "no log")];
    expect(judge(run, known, "28")).toMatchObject({ passed: 0, known: 1, failed: 1 });
  });

  test("fails a known failure that passes", () => {
    const { checks, failed } = judge([outcome("digest", "passed")], known, "28");
    expect([checks[0]?.verdict, failed]).toEqual(["fixed", 1]);
  });

  test("fails a known failure that says other words than it is known for", () => {
    const list = [{ name: "collects", reason: "pulls the digest behind it", says: "sha256:a9" }];
    const run = (reason: string): object =>
      judge([outcome("collects", "failed", reason)], list, "28");
    expect(run("manifest sha256:a9 unknown")).toMatchObject({ known: 1, failed: 0 });
    expect(run("nothing was collected")).toMatchObject({ known: 0, failed: 1 });
    expect(judge([outcome("collects", "passed")], list, "28")).toMatchObject({ failed: 1 });
  });

  test("takes a known failure that is skipped or not there as no failure", () => {
    expect(judge([outcome("digest", "skipped", "no")], known, "28")).toMatchObject({ failed: 0 });
    expect(judge([outcome("other", "passed")], known, "28")).toMatchObject({ failed: 0 });
  });

  test("applies an entry to its engines only, and to all names that a star covers", () => {
    const list = [{ name: "image volume*", reason: "Docker 28", engines: ["20"] }];
    expect(findKnown(list, "image volume digest", "20")).toBe(list[0]);
    expect(findKnown(list, "image volume digest", "28")).toBeUndefined();
    expect(findKnown(list, "an image volume", "20")).toBeUndefined();
  });

  test("applies an entry for want of a capability only where the host lacks it", () => {
    const list = [{ name: "privileged", reason: "needs all capabilities", withoutCapability: 24 }];
    expect(findKnown(list, "privileged", "20", poor)).toBe(list[0]);
    expect(findKnown(list, "privileged", "20", rich)).toBeUndefined();
  });

  test("applies an entry for want of a module, for a version of cgroups or for a kernel only there", () => {
    const list: KnownFailure[] = [
      { name: "link", reason: "makes a link of that kind", withoutModule: "dummy" },
      { name: "disk", reason: "counts no reads", cgroups: 1 },
      { name: "port", reason: "needs NAT", userModeLinux: true },
    ];
    for (const entry of list) {
      expect(findKnown(list, entry.name, "28", poor)).toBe(entry);
      expect(findKnown(list, entry.name, "28", rich)).toBeUndefined();
    }
  });

  test("is readable: failures come with their reasons, passed ones only as a number", () => {
    const run = [outcome("good", "passed"), outcome("bad", "failed", "because")];
    const text = formatReport("title", judge(run, [], "28"));
    expect(text).toContain("bad\n      because");
    expect(text).not.toContain("good");
  });
});

test("Ginkgo's report gives passed, failed and skipped specs, without those that it filtered out", () => {
  const spec = (State: string, LeafNodeText: string, Message?: string, LeafNodeType = "It") => ({
    ...{ ContainerHierarchyTexts: ["[k8s.io]", "Pod"], LeafNodeType, LeafNodeText, State },
    RunTime: 2e9,
    ...(Message === undefined ? {} : { Failure: { Message } }),
  });
  const SpecReports = [
    spec("passed", "runs"),
    spec("panicked", "stops", "boom\n  here"),
    spec("skipped", "has AppArmor", "not on this host"),
    spec("skipped", "benchmark"),
    spec("failed", "", "no runtime", "BeforeSuite"),
    spec("passed", "", undefined, "BeforeSuite"),
  ];
  const report = JSON.stringify([{ SpecReports, SpecialSuiteFailureReasons: null }]);
  expect(readReport(report).map(({ name, state, reason }) => [name, state, reason])).toEqual([
    ["[BeforeSuite] [k8s.io] Pod", "failed", "no runtime"],
    ["[k8s.io] Pod has AppArmor", "skipped", "not on this host"],
    ["[k8s.io] Pod runs", "passed", ""],
    ["[k8s.io] Pod stops", "failed", "boom here"],
  ]);
});

test("a spec that passed at a further attempt counts as passed, and is told", () => {
  const spec = (LeafNodeText: string, State: string, NumAttempts: number) => ({
    ...{ ContainerHierarchyTexts: [], LeafNodeType: "It", LeafNodeText, State, NumAttempts },
    RunTime: 1e9,
  });
  const SpecReports = [spec("steady", "passed", 1), spec("late", "passed", 2)];
  const outcomes = readReport(
    JSON.stringify([
      {
        SpecReports: [...SpecReports, spec("broken", "failed", 2)],
        SpecialSuiteFailureReasons: null,
      },
    ]),
  );
  const verdict = judge(outcomes, [], "28");
  expect(verdict).toMatchObject({ passed: 2, failed: 1 });
  const text = formatReport("title", verdict);
  expect(text).toContain("passed at a further attempt (1)\n  late\n      2 attempts");
  expect(text).not.toContain("steady");
});

test.each(["known-failures.json", "node-suite/known-failures.json"])(
  "every entry of %s says why",
  (file) => {
    for (const { name, reason } of readKnownFailures(join(import.meta.dirname, "..", file))) {
      expect(name).not.toBe("");
      expect(reason.length).toBeGreaterThan(20);
    }
  },
);
