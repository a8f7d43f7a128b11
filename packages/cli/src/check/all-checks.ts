import type { Check, CheckArea } from "./check.js";
import type { CheckFacts } from "./check-facts.js";
import { daemonChecks } from "./daemon-checks.js";
import { engineChecks } from "./engine-checks.js";
import { type Finding, skip } from "./finding.js";
import { kubeletChecks } from "./kubelet-checks.js";
import { networkChecks } from "./network-checks.js";
import { nodeChecks } from "./node-checks.js";

/** A check with what it found. */
export interface CheckResult extends Finding {
  readonly area: CheckArea;
  readonly name: string;
}

/** All of them, in the order of the report. */
const checks: readonly (readonly [CheckArea, readonly Check[]])[] = [
  ["Engine", engineChecks],
  ["Kubelet", kubeletChecks],
  ["Node", nodeChecks],
  ["Network", networkChecks],
  ["Daemon", daemonChecks],
];

/** The names of all checks. */
export const checkNames: readonly string[] = checks.flatMap(([, all]) =>
  all.map(({ name }) => name),
);

/** Judges what was gathered. What is about Docker is passed over where another runtime answers. */
export function judgeNode(facts: CheckFacts): CheckResult[] {
  const { kind, about } = facts.runtime;
  return checks.flatMap(([area, all]) =>
    all.map(({ name, runtime, judge }) => {
      const finding =
        kind === "other" && runtime === "docker"
          ? skip(`for dockershim only, and ${about} serves`)
          : judge(facts);
      return { area, name, ...finding };
    }),
  );
}
