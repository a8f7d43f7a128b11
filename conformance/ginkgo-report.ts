import type { Outcome } from "./outcome.ts";

/** The part of Ginkgo's JSON report that is read here. */
interface SpecReport {
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly LeafNodeType: string;
  readonly LeafNodeText: string;
  readonly State: string;
  /** In ns. */
  readonly RunTime: number;
  readonly NumAttempts: number;
  readonly Failure?: { readonly Message?: string };
}

interface SuiteReport {
  readonly SpecReports: readonly SpecReport[];
  readonly SpecialSuiteFailureReasons: readonly string[] | null;
}

/** Outcomes out of Ginkgo's report. What the suite's own filter left out (benchmarks) is no check of ours. */
export function readReport(text: string): Outcome[] {
  const suites = JSON.parse(text) as readonly SuiteReport[];
  const outcomes: Outcome[] = [];
  for (const { SpecReports, SpecialSuiteFailureReasons } of suites) {
    for (const spec of SpecReports) {
      const reason = (spec.Failure?.Message ?? "").replace(/\s+/g, " ").trim();
      const isSpec = spec.LeafNodeType === "It";
      const passed = spec.State === "passed";
      if (isSpec ? spec.State === "skipped" && reason === "" : passed) continue;
      const state = passed || spec.State === "skipped" ? spec.State : "failed";
      const names = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText];
      outcomes.push({
        name: isSpec ? names.join(" ") : `[${spec.LeafNodeType}] ${names.join(" ")}`.trim(),
        state: state as Outcome["state"],
        reason: passed ? "" : reason || spec.State,
        seconds: spec.RunTime / 1e9,
        ...(passed && spec.NumAttempts > 1 ? { attempts: spec.NumAttempts } : {}),
      });
    }
    for (const reason of SpecialSuiteFailureReasons ?? []) {
      if (/Detected Programmatic Focus|no specs/i.test(reason)) {
        outcomes.push({ name: "[suite]", state: "failed", reason, seconds: 0 });
      }
    }
  }
  return outcomes.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
