import { expect, test } from "@jest/globals";
import { limitOutput } from "../src/exec/output-limit.js";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (data: Uint8Array): string => Buffer.from(data).toString();

test.each([
  ["both fit", ["abc"], ["de"], "abc", "de"],
  ["nothing was written", [], [], "", ""],
  ["stdout is long", ["abcdef", "ghijkl"], ["12"], "abcdefgh", "12"],
  ["stderr is long", ["12"], ["abcdef", "ghijkl"], "12", "abcdefgh"],
  ["both are long", ["abcdefgh"], ["12345678"], "abcde", "12345"],
  ["one is a little over half", ["abcdef"], ["12345678"], "abcde", "12345"],
])("when %s, both fit the limit together", (_, stdout, stderr, out, err) => {
  const kept = limitOutput(stdout.map(bytes), stderr.map(bytes), 10);
  expect(text(kept.stdout)).toBe(out);
  expect(text(kept.stderr)).toBe(err);
});
