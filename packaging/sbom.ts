import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../lab/command.ts";
import { architectures } from "./architecture.ts";
import type { NpmPackage } from "./npm-package.ts";

/** A bill of materials, as far as it is read here: cyclonedx.org, 1.7. */
export interface Bill {
  readonly components: readonly BillComponent[];
  readonly [field: string]: unknown;
}

/** One thing that a build has in it. */
export interface BillComponent {
  readonly type: "application" | "library";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly [field: string]: unknown;
}

/**
 * Writes what is in the executables: the packages of npm as the lock file has them, Node itself and koffi's
 * libraries, each with the checksum by which it was fetched.
 *
 * @param root The checkout.
 * @returns The file.
 */
export async function writeBill(root: string, out: string): Promise<string> {
  const args = ["--sbom-format", "cyclonedx", "--sbom-type", "application", "--prod"];
  const text = await command("pnpm", ["--filter", "@dockershim/cli", "sbom", ...args], {
    cwd: root,
  });
  const file = join(out, "dockershim.cdx.json");
  writeFileSync(file, `${JSON.stringify(withRuntimes(JSON.parse(text)), undefined, 2)}\n`);
  return file;
}

/** Adds what is built into executables and no dependency of a package. */
export function withRuntimes(bill: Bill): Bill {
  const known = new Set(bill.components.map(({ purl }) => purl));
  const added = architectures
    .flatMap(({ runtime, koffi }) => [runtime, koffi])
    .map(componentOf)
    .filter(({ purl }) => !known.has(purl));
  return { ...bill, components: [...bill.components, ...added] };
}

function componentOf({ name, version, integrity }: NpmPackage): BillComponent {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const [, digest = ""] = integrity.split("-");
  const content = Buffer.from(digest, "base64").toString("hex");
  return {
    ...{ type: "library", "bom-ref": purl, name, version, purl },
    hashes: [{ alg: "SHA-512", content }],
  };
}
