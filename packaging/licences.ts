import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The licences of what is in the executable and not ours: Node's, and that of each package in the
 * bundle, as their own files have them.
 *
 * @param packageFolders Folders of the packages whose code is in it.
 * @param nodeFolder The folder of Node's package.
 * @throws Error naming a package that comes without a licence.
 */
export function thirdPartyLicences(packageFolders: Iterable<string>, nodeFolder: string): string {
  const others = [...packageFolders].map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return { title: `${name} ${version}`, text: licenceOf(folder) };
  });
  others.sort((one, other) => one.title.localeCompare(other.title, "en"));
  const all = [{ title: "Node.js", text: licenceOf(nodeFolder) }, ...others];
  return all.map(({ title, text }) => section(title, text)).join("\n");
}

function section(title: string, text: string): string {
  return `${title}\n${"=".repeat(title.length)}\n\n${text.trim()}\n`;
}

function licenceOf(folder: string): string {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)(\.\w+)?$/i.test(name));
  if (file !== undefined) return readFileSync(join(folder, file), "utf8");
  const { license, name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (typeof license !== "string") throw new Error(`${name} comes without a licence`);
  return `SPDX-License-Identifier: ${license}`;
}
