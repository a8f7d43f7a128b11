/** CRI's `info` of a verbose status, whose values are JSON by CRI's rule, which not every runtime keeps. */
export function readInfo(info: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(info).map(([key, value]) => {
      try {
        return [key, JSON.parse(value)];
      } catch {
        return [key, value];
      }
    }),
  );
}
