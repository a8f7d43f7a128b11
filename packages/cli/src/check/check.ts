import type { CheckFacts } from "./check-facts.js";
import type { Finding } from "./finding.js";

export type CheckArea = "Engine" | "Kubelet" | "Node" | "Network" | "Daemon";

/** Something that is looked at, and how it is judged. */
export interface Check {
  /** As it stands in the report, and in `--only`. */
  readonly name: string;
  /** `any` where it holds for each CRI runtime; `docker` where it is about Docker or the daemon in front of it. */
  readonly runtime: "any" | "docker";
  judge(facts: CheckFacts): Finding;
}
