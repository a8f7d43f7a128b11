const units = ["B", "kB", "MB", "GB", "TB"];
const binaryUnits = ["B", "Ki", "Mi", "Gi", "Ti"];

/** A size with three significant digits in decimal units, as `docker images` shows it. */
export function formatBytes(bytes: bigint): string {
  return format(bytes, 1_000, units);
}

/** A size with three significant digits in binary units, as `kubectl top` shows it. */
export function formatBinaryBytes(bytes: bigint): string {
  return format(bytes, 1_024, binaryUnits);
}

function format(bytes: bigint, base: number, names: readonly string[]): string {
  let size = Number(bytes);
  let unit = 0;
  while (size >= base - 0.5 && unit < names.length - 1) {
    size /= base;
    unit += 1;
  }
  // Between 1,000 and 1,024 three digits are not enough.
  const digits = size >= 1_000 ? 4 : 3;
  return `${Number(size.toPrecision(digits))}${names[unit]}`;
}
