/** How a check came out. `skip` is for what could not be looked at, or does not matter here. */
export type Verdict = "ok" | "warn" | "fail" | "skip";

/** What a check found. */
export interface Finding {
  readonly verdict: Verdict;
  /** One sentence without a full stop: what is so. */
  readonly reason: string;
  /** What to do about it, with what fails or warns. */
  readonly remedy?: string;
}

export const ok = (reason: string): Finding => ({ verdict: "ok", reason });
export const skip = (reason: string): Finding => ({ verdict: "skip", reason });
export const warn = (reason: string, remedy: string): Finding => ({
  ...{ verdict: "warn", reason, remedy },
});
export const fail = (reason: string, remedy: string): Finding => ({
  ...{ verdict: "fail", reason, remedy },
});

const order: readonly Verdict[] = ["skip", "ok", "warn", "fail"];

/** Of several findings of one check the worst ones, in one; the others are left out. */
export function worstOf(findings: readonly Finding[]): Finding {
  const rank = ({ verdict }: Finding): number => order.indexOf(verdict);
  const most = Math.max(...findings.map(rank));
  const worst = findings.filter((each) => rank(each) === most);
  const remedies = [...new Set(worst.flatMap(({ remedy }) => remedy ?? []))];
  return {
    verdict: order[most] ?? "skip",
    reason: worst.map(({ reason }) => reason).join("; "),
    ...(remedies.length > 0 && { remedy: remedies.join("; ") }),
  };
}
