/** The lines that a text loses and gains, behind `-` and `+`, in their order. */
export function diffLines(from: string, to: string): string[] {
  const [before, after] = [from, to].map((text) => text.split("\n")) as [string[], string[]];
  // Changes stand together here, so what both begin and end with is all that they share.
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before.at(-1 - end) === after.at(-1 - end)
  ) {
    end++;
  }
  return [
    ...before.slice(start, before.length - end).map((line) => `- ${line}`),
    ...after.slice(start, after.length - end).map((line) => `+ ${line}`),
  ].filter((line) => line.length > 2);
}
