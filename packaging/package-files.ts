import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type ManualPage, serviceUnit, socketUnit } from "@dockershim/cli";
import { specHookShim, specHookWrapper } from "@dockershim/spec-hook";
import type { Flavour } from "./flavour.ts";

/** What a package has beside its units. */
export interface PackageContent {
  readonly version: string;
  /** Of the last change, as YYYY-MM-DD. */
  readonly date: string;
  readonly executable: string;
  /** The program by which OCI specs are changed. */
  readonly specHook: string;
  /** Text of /etc/dockershim/config.yaml. */
  readonly config: string;
  readonly manual: readonly ManualPage[];
  /** Scripts by shell. */
  readonly completions: Readonly<Record<"bash" | "zsh" | "fish", string>>;
  /** Of what is in the executable and not ours. */
  readonly licences: string;
}

/** A file of a package, in nfpm's words. */
export interface PackedFile {
  readonly src: string;
  readonly dst: string;
  readonly type?: "config|noreplace" | "symlink";
  readonly file_info?: { readonly mode: number };
}

export const maintainer = "The dockershim authors <dockershim@users.noreply.github.com>";

const sources = join(import.meta.dirname, "files");

/**
 * The files of a package of either kind.
 *
 * @param stage Folder for what is made for it.
 */
export function packageFiles(
  content: PackageContent,
  flavour: Flavour,
  stage: string,
): PackedFile[] {
  const { add, files } = collect(stage);
  const { unit, defaults, defaultsText, name } = flavour;
  files.push({
    src: content.executable,
    dst: "/usr/bin/dockershim",
    file_info: { mode: 0o755 },
  });
  files.push({
    src: content.specHook,
    dst: `/usr/bin/${specHookShim}`,
    file_info: { mode: 0o755 },
  });
  files.push({ src: specHookShim, dst: `/usr/bin/${specHookWrapper}`, type: "symlink" });
  for (const alias of flavour.aliases) {
    files.push({ src: "dockershim", dst: `/usr/bin/${alias}`, type: "symlink" });
    const page = `/usr/share/man/man8/${alias}.8.gz`;
    files.push({ src: `dockershim-${alias}.8.gz`, dst: page, type: "symlink" });
  }
  add(`/usr/lib/systemd/system/${unit}.service`, serviceUnit(flavour));
  add(`/usr/lib/systemd/system/${unit}.socket`, socketUnit(flavour));
  add(`/etc/default/${defaults}`, defaultsText, "config|noreplace");
  if (flavour.hasConfig) add("/etc/dockershim/config.yaml", content.config, "config|noreplace");
  add(`/usr/share/doc/${name}/copyright`, readFileSync(join(sources, "copyright"), "utf8"));
  add(`/usr/share/doc/${name}/third-party-licences.gz`, gzip(content.licences));
  for (const { file, text } of content.manual) add(`/usr/share/man/man8/${file}.gz`, gzip(text));
  const { bash, zsh, fish } = content.completions;
  add("/usr/share/bash-completion/completions/dockershim", bash);
  add("/usr/share/zsh/vendor-completions/_dockershim", zsh);
  add("/usr/share/fish/vendor_completions.d/dockershim.fish", fish);
  return files;
}

/** What Debian's policy wants of its packages beside. */
export function debianFiles(
  { version, date }: PackageContent,
  { name }: Flavour,
  stage: string,
): PackedFile[] {
  const { add, files } = collect(stage);
  const day = new Date(`${date}T00:00:00Z`).toUTCString().replace("GMT", "+0000");
  const entry = [
    `${name} (${version}) stable; urgency=medium`,
    "  * See https://github.com/dockershim/dockershim/releases.",
    ` -- ${maintainer}  ${day}`,
  ];
  add(`/usr/share/doc/${name}/changelog.gz`, gzip(`${entry.join("\n\n")}\n`));
  // Tags are overridden for a package by its name.
  const overrides = readFileSync(join(sources, "lintian-overrides"), "utf8");
  add(`/usr/share/lintian/overrides/${name}`, overrides.replaceAll("dockershim:", `${name}:`));
  return files;
}

/** Collects files whose text is made here. */
function collect(stage: string) {
  mkdirSync(stage, { recursive: true });
  const files: PackedFile[] = [];
  const add = (dst: string, text: string | Buffer, type?: PackedFile["type"]): void => {
    const src = join(stage, dst.replaceAll("/", "+"));
    writeFileSync(src, text);
    files.push({ src, dst, ...(type && { type }), file_info: { mode: 0o644 } });
  };
  return { files, add };
}

function gzip(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}
