/** Why a file cannot be read, in words. */
export function describeReadError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: "there is no such file",
    EACCES: "permission denied (it usually takes root)",
    EISDIR: "it is a folder",
  };
  return known[code ?? ""] ?? code ?? message;
}
