import { Code } from "@connectrpc/connect";
import type { Outcome } from "./raw-call.js";

/** Faults of the daemon's or of the engine, which no request may bring about. */
const faults = new Set<number | undefined>([
  Code.Internal,
  Code.Unknown,
  Code.DataLoss,
  Code.Unavailable,
  undefined,
]);

/** Words of a program that stumbled instead of refusing. */
const stumbled =
  /TypeError|RangeError|SyntaxError|is not a function|Cannot read|undefined|\bat .*:\d+/;

/** What others say of what they are handed, in words that their caller can do something with. */
const tolerated = [
  // gRPC's own table of statuses has it so that what cannot be parsed is INTERNAL.
  /^parse binary: /,
  // What a sysctl is for the kernel knows, which the OCI runtime asks.
  /OCI runtime create failed: .* sysctl/,
];

/** Whether an outcome is what a request may have: a reply, or an error of its caller's that says what is wrong. */
export function isServedOrRefused({ code, message }: Outcome): boolean {
  if (Buffer.byteLength(message) > 4096) return false;
  if (tolerated.some((words) => words.test(message))) return true;
  return !faults.has(code) && !stumbled.test(message);
}
