import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../lab/cache.ts";
import { command } from "../lab/command.ts";

/** A package of npm's registry that is built into what we ship, and so pinned by its bytes. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** `dist.integrity` as the registry told it when the version was chosen. */
  readonly integrity: string;
}

/**
 * Fetches a package for whatever architecture, which an ordinary installation leaves out on others, into
 * a folder of the cache unless it is there. @returns The folder with its files.
 * @throws Error when its bytes are not the pinned ones.
 */
export async function fetchNpmPackage(
  cacheDir: string,
  { name, version, integrity }: NpmPackage,
): Promise<string> {
  const folder = join(cacheDir, "npm");
  mkdirSync(folder, { recursive: true });
  const target = join(folder, `${name.replaceAll("/", "+")}@${version}`);
  const what = `fetching ${name}@${version} from npm`;
  await cacheFolder(target, { what }, async ({ part, lock }) => {
    const args = ["pack", "--silent", "--pack-destination", part, `${name}@${version}`];
    const file = join(part, (await command("npm", args, { cwd: part, inherit: lock })).trim());
    const found = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
    if (found !== integrity) throw new Error(`${name}@${version} is ${found}, not ${integrity}`);
    await command("tar", ["-xzf", file, "-C", part, "--strip-components=1"], { inherit: lock });
    await command("rm", [file], { inherit: lock });
  });
  return target;
}
