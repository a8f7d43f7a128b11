import { constants } from "node:os";
import type { ContainerStatus } from "@dockershim/cri-types";
import { containerStateName } from "../objects/container-state.js";
import { formatAge } from "../output/age.js";
import { type Field, formatFields } from "../output/field-rows.js";
import { formatTable } from "../output/table.js";

/** Sections with an empty line between them, without those that have nothing to tell. */
export function joinSections(sections: readonly string[]): string {
  return sections.filter((section) => section !== "").join("\n");
}

/**
 * A section of fields; those without a text are left out, and so is a section without fields. Nothing is broken to
 * fit a width: ids and paths are there to be copied.
 */
export function fieldSection(title: string, fields: readonly Field[]): string {
  const told = fields.filter(([, text]) => text !== "");
  if (told.length === 0) return "";
  const before = title === "" ? "" : "  ";
  const text = formatFields(told, Number.POSITIVE_INFINITY, before);
  return title === "" ? text : `${title}:\n${text}`;
}

export function tableSection(
  title: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return "";
  return `${title}:\n${formatTable(header, rows).replace(/^(?=.)/gm, "  ")}`;
}

/** Labels or annotations, by name. */
export function pairSection(title: string, pairs: Readonly<Record<string, string>>): string {
  const names = Object.keys(pairs).sort();
  return fieldSection(
    title,
    names.map((name) => [name, pairs[name] || '""']),
  );
}

/**
 * A time with its distance from now.
 *
 * @param timestampNs As CRI has it; 0 for a time that was never.
 * @param nowMs Milliseconds since the epoch.
 */
export function formatTime(timestampNs: bigint, nowMs: number): string {
  if (timestampNs <= 0n) return "";
  const time = new Date(Number(timestampNs / 1_000_000n)).toISOString().replace(/\.\d+Z$/, "Z");
  return `${time} (${formatAge(timestampNs, nowMs)} ago)`;
}

/** What became of a container, as fields. */
export function stateFields(status: ContainerStatus, nowMs: number): Field[] {
  const ended = status.finishedAt > 0n;
  return [
    ["State", containerStateName(status.state)],
    ["Exit code", ended ? describeExitCode(status.exitCode) : ""],
    ["Reason", status.reason],
    ["Message", status.message],
    ["Started", formatTime(status.startedAt, nowMs)],
    ["Finished", formatTime(status.finishedAt, nowMs)],
  ];
}

/** With the signal that a shell's convention says. */
export function describeExitCode(code: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return signal ? `${code} (${signal[0]})` : `${code}`;
}
