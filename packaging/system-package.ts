import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { command } from "../lab/command.ts";
import { buildGoPrograms, type GoPrograms } from "../lab/go-programs.ts";
import type { Architecture } from "./architecture.ts";
import type { ManualPage } from "./manual.ts";

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

/** What a package has beside its units. */
export interface PackageContent {
  readonly version: string;
  /** Of the last change, as YYYY-MM-DD. */
  readonly date: string;
  readonly executable: string;
  /** Text of /etc/dockershim/config.yaml. */
  readonly config: string;
  readonly manual: readonly ManualPage[];
  /** Scripts by shell. */
  readonly completions: Readonly<Record<"bash" | "zsh" | "fish", string>>;
  /** Of what is in the executable and not ours. */
  readonly licences: string;
}

/** A file of a package. */
interface PackedFile {
  readonly src: string;
  readonly dst: string;
  readonly type?: "config|noreplace";
  readonly file_info?: { readonly mode: number };
}

/** What kinds of packages differ in. */
const kinds = {
  deb: {
    depends: ["libc6 (>= 2.28)", "libstdc++6 (>= 8)", "libatomic1"],
    recommends: ["docker.io | docker-ce | moby-engine", "containernetworking-plugins"],
    scripts: { postinstall: "postinst", preremove: "prerm", postremove: "postrm" },
  },
  rpm: {
    depends: ["glibc >= 2.28", "libstdc++", "libatomic", "util-linux"],
    recommends: ["containernetworking-plugins"],
    scripts: { postinstall: "postinstall", preremove: "preremove", postremove: "postremove" },
  },
} as const;

const maintainer = "The dockershim authors <dockershim@users.noreply.github.com>";

export type PackageKind = keyof typeof kinds;

/** How packages are compressed: xz for whoever downloads them, which takes half a minute. */
export type Compression = "xz" | "none";

/**
 * Makes a package for Debian or RPM systems.
 *
 * @param out Where it goes.
 * @returns Its path.
 */
export async function makeSystemPackage(
  kind: PackageKind,
  content: PackageContent,
  architecture: Architecture,
  out: string,
  cacheDir: string,
  compression: Compression = "xz",
): Promise<string> {
  const stage = join(out, `${kind}-${architecture.name}`);
  mkdirSync(stage, { recursive: true });
  const { depends, recommends, scripts } = kinds[kind];
  const own = import.meta.dirname;
  const description = {
    name: "dockershim",
    arch: architecture.name,
    platform: "linux",
    version: content.version,
    section: "admin",
    priority: "optional",
    maintainer,
    description: [
      "Kubernetes' Container Runtime Interface on Docker Engine",
      "The daemon between a kubelet, which speaks CRI, and Docker Engine, which does",
      "not; with a command to look at pods, containers and images of a node.",
    ].join("\n"),
    homepage: "https://github.com/dockershim/dockershim",
    // Debian has it in the copyright file.
    ...(kind === "rpm" && { license: "Apache-2.0" }),
    depends,
    recommends,
    contents: [...filesOf(content, stage), ...(kind === "deb" ? debianFiles(content, stage) : [])],
    scripts: Object.fromEntries(
      Object.entries(scripts).map(([when, file]) => [when, join(own, "scripts", kind, file)]),
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

function filesOf(content: PackageContent, stage: string): PackedFile[] {
  const own = join(import.meta.dirname, "files");
  const files: PackedFile[] = [
    { src: content.executable, dst: "/usr/bin/dockershim" },
    { src: join(own, "default"), dst: "/etc/default/dockershim", type: "config|noreplace" },
  ];
  for (const unit of ["dockershim.service", "dockershim.socket"]) {
    files.push({ src: join(own, unit), dst: `/usr/lib/systemd/system/${unit}` });
  }
  const add = (dst: string, text: string | Buffer, more: Pick<PackedFile, "type"> = {}): void => {
    const src = join(stage, dst.replaceAll("/", "+"));
    writeFileSync(src, text);
    files.push({ src, dst, ...more });
  };
  add("/etc/dockershim/config.yaml", content.config, { type: "config|noreplace" });
  const gzip = (text: string): Buffer => gzipSync(text, { level: 9 });
  const doc = "/usr/share/doc/dockershim";
  files.push({ src: join(own, "copyright"), dst: `${doc}/copyright` });
  add(`${doc}/third-party-licences.gz`, gzip(content.licences));
  for (const { file, text } of content.manual) add(`/usr/share/man/man8/${file}.gz`, gzip(text));
  const { bash, zsh, fish } = content.completions;
  add("/usr/share/bash-completion/completions/dockershim", bash);
  add("/usr/share/zsh/vendor-completions/_dockershim", zsh);
  add("/usr/share/fish/vendor_completions.d/dockershim.fish", fish);
  return files.map((file) => ({
    ...file,
    file_info: { mode: file.dst.startsWith("/usr/bin/") ? 0o755 : 0o644 },
  }));
}

/** What Debian's policy wants of its packages. */
function debianFiles({ version, date }: PackageContent, stage: string): PackedFile[] {
  const changelog = join(stage, "changelog.gz");
  const day = `${new Date(`${date}T00:00:00Z`).toUTCString().replace("GMT", "+0000")}`;
  const entry = [
    `dockershim (${version}) stable; urgency=medium`,
    "  * See https://github.com/dockershim/dockershim/releases.",
    ` -- ${maintainer}  ${day}`,
  ];
  writeFileSync(changelog, gzipSync(`${entry.join("\n\n")}\n`, { level: 9 }));
  const overrides = join(import.meta.dirname, "files/lintian-overrides");
  return [
    { src: changelog, dst: "/usr/share/doc/dockershim/changelog.gz" },
    { src: overrides, dst: "/usr/share/lintian/overrides/dockershim" },
  ].map((file) => ({ ...file, file_info: { mode: 0o644 } }));
}
