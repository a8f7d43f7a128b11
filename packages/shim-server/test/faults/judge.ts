import { CriClientError } from "@dockershim/cri-client";
import { faultWords } from "./fault-proxy.js";

/** What an error of a call means while its daemon's engine is at fault. */
export type Judgement =
  /** As it should be: the call is made again. */
  | "again"
  /** As it should be, and so will each next one. */
  | "over"
  /** What no fault excuses. */
  | "wrong";

/** What has happened that a call may have to do with. */
export interface Circumstances {
  /** The engine was said not to have something that it has. */
  readonly denied: boolean;
  /** The engine was stopped, killed or exchanged, and so have the containers been that ran. */
  readonly ended: boolean;
}

/** Words of a program that stumbled instead of saying what is wrong. */
export const stumbled =
  /TypeError|RangeError|SyntaxError|is not a function|not iterable|Cannot read|undefined|\[object|\bNaN\b|\bat .*:\d+/;

/** Reasons for which a call may be INTERNAL or UNKNOWN: the engine's failure, or a reply that makes no sense. */
const reasons = [faultWords, "the engine's reply"];

/** Judges what a call of a kubelet failed with. */
export function judge(err: unknown, { denied, ended }: Circumstances): Judgement {
  if (!(err instanceof CriClientError) || stumbled.test(err.message)) return "wrong";
  switch (err.code) {
    case "UNAVAILABLE":
      return "again";
    case "NOT_FOUND":
    case "FAILED_PRECONDITION":
      return denied || ended ? "over" : "wrong";
    case "INTERNAL":
    case "UNKNOWN":
      if (reasons.some((reason) => err.message.includes(reason))) return "again";
      // A container of a sandbox that has ended, say, cannot be started ever.
      if (ended) return "over";
      return denied ? "again" : "wrong";
    default:
      return "wrong";
  }
}
