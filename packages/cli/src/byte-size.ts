const units = ["B", "kB", "MB", "GB", "TB"];

/** A size with three significant digits in decimal units, as `docker images` shows it. */
export function formatBytes(bytes: bigint): string {
  let size = Number(bytes);
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${Number(size.toPrecision(3))}${units[unit]}`;
}
