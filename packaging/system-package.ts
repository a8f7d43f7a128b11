import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { command } from "../lab/command.ts";
import { buildGoPrograms, type GoPrograms } from "../lab/go-programs.ts";
import type { Architecture } from "./architecture.ts";
import { type Flavour, fillIn } from "./flavour.ts";
import { debianFiles, maintainer, type PackageContent, packageFiles } from "./package-files.ts";

/** Who makes packages of both kinds from one description; the last version whose modules the Go proxy has all of. */
const nfpm: GoPrograms = {
  module: "github.com/goreleaser/nfpm/v2",
  version: "v2.44.0",
  packages: ["cmd/nfpm"],
  tags: [],
  cgo: false,
};

/** Builds nfpm unless it is in the cache. @returns Its path. */
export async function fetchNfpm(cacheDir: string): Promise<string> {
  return join(await buildGoPrograms(cacheDir, nfpm), "nfpm");
}

/** What kinds of packages differ in. */
const kinds = {
  deb: {
    depends: ["libc6 (>= 2.28)", "libstdc++6 (>= 8)", "libatomic1"],
    recommends: ["docker.io | docker-ce | moby-engine", "containernetworking-plugins"],
    scripts: { postinstall: "postinst", preremove: "prerm", postremove: "postrm" },
    // Debian has it in the copyright file.
    license: undefined,
  },
  rpm: {
    depends: ["glibc >= 2.28", "libstdc++", "libatomic", "util-linux"],
    recommends: ["containernetworking-plugins"],
    scripts: { postinstall: "postinstall", preremove: "preremove", postremove: "postremove" },
    license: "Apache-2.0",
  },
} as const;

export type PackageKind = keyof typeof kinds;

/** A package that is to be made. */
export interface PackageOrder {
  readonly kind: PackageKind;
  readonly flavour: Flavour;
  readonly architecture: Architecture;
  readonly content: PackageContent;
  /** xz for whoever downloads it, which takes half a minute. */
  readonly compression: "xz" | "gzip" | "none";
}

/**
 * Makes a package for Debian or RPM systems.
 *
 * @param out Where it goes.
 * @returns Its path.
 */
export async function makeSystemPackage(
  { kind, flavour, architecture, content, compression }: PackageOrder,
  out: string,
  cacheDir: string,
): Promise<string> {
  const stage = join(out, `${flavour.name}-${kind}-${architecture.name}`);
  mkdirSync(stage, { recursive: true });
  const { depends, recommends, scripts, license } = kinds[kind];
  const own = kind === "deb" ? debianFiles(content, flavour, stage) : [];
  const { name, provides, conflicts } = flavour;
  const description = {
    ...{ name, version: content.version, arch: architecture.name, platform: "linux" },
    ...{ section: "admin", priority: "optional", maintainer, license },
    homepage: "https://github.com/dockershim/dockershim",
    description: [
      "Kubernetes' Container Runtime Interface on Docker Engine",
      ...flavour.description,
    ].join("\n"),
    ...{ depends, recommends, provides, conflicts },
    replaces: provides,
    contents: [...packageFiles(content, flavour, stage), ...own],
    scripts: Object.fromEntries(
      Object.entries(scripts).map(([when, file]) => [when, script(kind, file, flavour, stage)]),
    ),
    [kind]: { compression },
  };
  // YAML takes JSON.
  const config = join(stage, "nfpm.yaml");
  writeFileSync(config, JSON.stringify(description, undefined, 2));
  const program = await fetchNfpm(cacheDir);
  const printed = await command(program, ["package", "-f", config, "-p", kind, "-t", out]);
  const [, made = ""] = /created package: (\S+)/.exec(printed) ?? [];
  return join(out, basename(made));
}

/** A script of the package with the flavour's names in it. @returns Its path. */
function script(kind: PackageKind, file: string, flavour: Flavour, stage: string): string {
  const text = readFileSync(join(import.meta.dirname, "scripts", kind, file), "utf8");
  const path = join(stage, file);
  writeFileSync(path, fillIn(text, flavour));
  return path;
}
