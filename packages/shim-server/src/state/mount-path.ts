/** A path as `/proc/PID/mountinfo` has it: the kernel writes spaces, tabs, newlines and backslashes in octal. */
export function unescapeMountPath(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
