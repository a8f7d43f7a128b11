/** Files of a ustar archive with their texts, in their order. */
export function filesOfTar(archive: Uint8Array): Record<string, string> {
  const files: Record<string, string> = {};
  const bytes = Buffer.from(archive);
  for (let at = 0; bytes[at] !== undefined && bytes[at] !== 0; ) {
    const text = (start: number, length: number): string =>
      bytes
        .subarray(at + start, at + start + length)
        .toString()
        .replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 12), 8);
    files[text(0, 100)] = bytes.subarray(at + 512, at + 512 + size).toString();
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
