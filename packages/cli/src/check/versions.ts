/** Whether a dotted version is at least another one; what follows the numbers, as in `1.1.5+ds1`, does not count. */
export function versionAtLeast(version: string, wanted: string): boolean {
  const numbers = numbersOf(version);
  for (const [index, least] of numbersOf(wanted).entries()) {
    const own = numbers[index] ?? 0;
    if (own !== least) return own > least;
  }
  return true;
}

/** Whether a text begins as a version does. */
export function isVersion(text: string | undefined): text is string {
  return text !== undefined && /^v?\d/.test(text);
}

function numbersOf(version: string): number[] {
  const [text = ""] = /^v?\d+(?:\.\d+)*/.exec(version) ?? [];
  return text.replace("v", "").split(".").map(Number);
}
