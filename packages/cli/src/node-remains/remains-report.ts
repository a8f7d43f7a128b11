import { formatAge } from "../output/age.js";
import { formatBytes } from "../output/byte-size.js";
import { formatTable } from "../output/table.js";
import type { FoundRemains } from "./find-remains.js";
import type { RemainKindName } from "./remain.js";

/**
 * What was found, for people, with what to do.
 *
 * @param now Milliseconds since the epoch.
 * @param only The kinds that were asked for; undefined for all.
 */
export function describeRemains(
  found: readonly FoundRemains[],
  now: number,
  only: readonly RemainKindName[] | undefined,
): string {
  const isMeant = ({ kind }: FoundRemains): boolean => !kind.shared || only !== undefined;
  const meant = found.filter(isMeant);
  const rows = meant.flatMap(({ kind, remains }) =>
    remains.map(({ what, why, since, size }) => [
      kind.name,
      what,
      since === undefined ? "-" : formatAge(BigInt(Math.round(since)) * 1_000_000n, now),
      size === undefined ? "-" : formatBytes(BigInt(size)),
      why,
    ]),
  );
  const sections = [
    rows.length === 0
      ? "Nothing was found that nobody knows.\n"
      : formatTable(["kind", "what", "age", "size", "why"], rows),
    describeShared(found.filter((each) => !isMeant(each) && each.remains.length > 0)),
    describeSkipped(found),
  ];
  if (rows.length > 0) {
    const sum = sumOf(meant.flatMap(({ remains }) => remains));
    const flags = only === undefined ? "" : ` --only ${only.join(" ")}`;
    sections.push(`${sum}. Nothing was removed: \`dockershim gc${flags} --yes\` does it.\n`);
  }
  return sections.filter((section) => section !== "").join("\n");
}

function describeShared(found: readonly FoundRemains[]): string {
  if (found.length === 0) return "";
  const lines = found.map(({ kind, remains }) => {
    const how = kind.removedBy ?? `dockershim gc --only ${kind.name} --yes`;
    return `  ${kind.name}: ${sumOf(remains)}; \`${how}\` removes them\n`;
  });
  return `Others than the kubelet may want these:\n${lines.join("")}`;
}

/** Kinds with one reason share a line. */
function describeSkipped(found: readonly FoundRemains[]): string {
  const byReason = Map.groupBy(found, ({ skipped }) => skipped);
  const lines = [...byReason].flatMap(([reason, each]) =>
    reason === undefined ? [] : [`  ${each.map(({ kind }) => kind.name).join(", ")}: ${reason}\n`],
  );
  return lines.length === 0 ? "" : `Not looked at:\n${lines.join("")}`;
}

function sumOf(remains: readonly { readonly size?: number | undefined }[]): string {
  const bytes = remains.reduce((sum, { size = 0 }) => sum + size, 0);
  return `${remains.length} found${bytes > 0 ? `, ${formatBytes(BigInt(bytes))}` : ""}`;
}
