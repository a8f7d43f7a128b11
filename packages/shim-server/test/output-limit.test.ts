import { expect, test } from "@jest/globals";
import { type CapturedOutput, limitOutput } from "../src/exec/output-limit.js";

const captured = (...chunks: string[]): CapturedOutput => ({
  chunks: chunks.map((chunk) => Buffer.from(chunk)),
  bytes: chunks.join("").length,
});
const text = (data: Uint8Array): string => Buffer.from(data).toString();

test.each([
  ["both fit", ["abc"], ["de"]],
  ["nothing was written", [], []],
  ["one fills all the room", ["a".repeat(300)], []],
])("when %s, nothing is cut or said", (_, stdout, stderr) => {
  const kept = limitOutput(captured(...stdout), captured(...stderr), 300);
  expect(text(kept.stdout)).toBe(stdout.join(""));
  expect(text(kept.stderr)).toBe(stderr.join(""));
});

// Of 266 bytes, 256 are kept for what is said about the cut.
test.each([
  [
    "stdout is long",
    ["abcdef", "g".repeat(300)],
    ["12"],
    "abcdefgg",
    "12",
    "stdout after 8 of 306",
  ],
  [
    "stderr is long",
    ["12"],
    ["abcdef", "g".repeat(300)],
    "12",
    "abcdefgg",
    "stderr after 8 of 306",
  ],
  [
    "both are long",
    ["a".repeat(300)],
    ["b".repeat(400)],
    "aaaaa",
    "bbbbb",
    "stdout after 5 of 300 bytes and stderr after 5 of 400",
  ],
  [
    "one is a little over half",
    ["abcdef"],
    ["1".repeat(300)],
    "abcde",
    "11111",
    "stdout after 5 of",
  ],
])(
  "when %s, both fit the limit together and stderr tells the cut",
  (_, out, err, keptOut, keptErr, told) => {
    const kept = limitOutput(captured(...out), captured(...err), 266);
    expect(text(kept.stdout)).toBe(keptOut);
    expect(text(kept.stderr)).toMatch(new RegExp(`^${keptErr}\\ndockershim: cut .*${told}.*\\n$`));
    expect(kept.stdout.length + kept.stderr.length).toBeLessThanOrEqual(266);
  },
);

test("what is said about a cut begins a line and fits its room", () => {
  const most = { chunks: [Buffer.alloc(300, "\n")], bytes: Number.MAX_SAFE_INTEGER };
  const kept = limitOutput(most, most, 300);
  expect(text(kept.stderr)).toMatch(/^\n+dockershim: [^\n]*\n$/);
  expect(kept.stdout.length + kept.stderr.length).toBeLessThanOrEqual(300);
});
