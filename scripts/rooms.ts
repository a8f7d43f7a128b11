// The rooms of a package in their order, and whether a file keeps to it.
import { dirname, normalize } from "node:path/posix";
import { importsOf } from "./imports.ts";

/** Rooms that don't know each other: names of files, and of folders with a slash at their end. */
export type Floor = readonly string[];

/**
 * Reads the floors from the architecture's table of a package's rooms, from the top: a row is a floor, its first cell
 * names the rooms.
 *
 * @throws Error when there is no such table.
 */
export function floorsOf(markdown: string, name: string): Floor[] {
  const [, chapter = ""] = markdown.split(new RegExp(`^## Rooms of ${name}$`, "m"));
  const [, rows = ""] = /^\| room \|.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(chapter) ?? [];
  const floors = rows
    .split("\n")
    .map((row) =>
      Array.from((row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g), ([, room = ""]) => room),
    )
    .filter((floor) => floor.length > 0);
  if (floors.length === 0) throw new Error(`there is no table of the rooms of ${name}`);
  return floors;
}

function roomOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? path.replace(/\.[jt]s$/, "") : path.slice(0, slash + 1);
}

/**
 * Says in one line each what a file imports that is not above it.
 *
 * @param file Path within src.
 */
export function roomProblems(file: string, text: string, floors: readonly Floor[]): string[] {
  const floorOf = (room: string) => floors.findIndex((floor) => floor.includes(room));
  const own = roomOf(file);
  if (floorOf(own) < 0) return [`${file}: ${own} is no room of the table`];
  const problems: string[] = [];
  for (const { name, line } of importsOf(text)) {
    if (!name.startsWith(".")) continue;
    const room = roomOf(normalize(`${dirname(file)}/${name}`));
    if (room === own) continue;
    const floor = floorOf(room);
    if (floor >= 0 && floor < floorOf(own)) continue;
    problems.push(`${file}:${line}: ${own} imports ${name}, but ${room} is not above it`);
  }
  return problems;
}
