import type { CriClient } from "@dockershim/cri-client";
import { notFound } from "../objects/find-by-reference.js";
import { listContainerCandidates } from "../objects/find-container.js";
import { imageName } from "../objects/find-image.js";
import { isMadeOf } from "../objects/image-use.js";
import { imageUser } from "../objects/image-user.js";
import { formatBytes } from "../output/byte-size.js";
import type { Field } from "../output/field-rows.js";
import { shortId } from "../output/short-id.js";
import { readInfo } from "../runtime/verbose-info.js";
import {
  fieldSection,
  formatTime,
  joinSections,
  pairSection,
  tableSection,
} from "./description.js";

/**
 * Describes an image for people, with the containers that are made of it.
 *
 * @param nowMs Milliseconds since the epoch.
 * @throws CriClientError; CliError not-found where the runtime has lost it meanwhile.
 */
export async function describeImage(client: CriClient, id: string, nowMs: number): Promise<string> {
  const [{ image, info }, containers] = await Promise.all([
    client.image.imageStatus({ image: { image: id }, verbose: true }),
    listContainerCandidates(client),
  ]);
  if (image === undefined) throw notFound(id, "image");
  const users = containers.filter(({ container }) => isMadeOf(container, image));
  const spec = imageSpecOf(readInfo(info));
  return joinSections([
    fieldSection("", [
      ["Image:", imageName(image)],
      ["ID:", image.id],
      ["Also named:", image.repoTags.slice(1).join(", ")],
      ["Digests:", image.repoDigests.join(", ")],
      ["Size:", formatBytes(image.size)],
      ["User:", imageUser(image)],
      ["Pinned:", image.pinned ? "yes, the kubelet does not remove it" : "no"],
      ...specFields(spec, nowMs),
    ]),
    tableSection(
      "Used by",
      ["container", "id"],
      users.map((each) => [each.names.at(-1) ?? "", shortId(each.id, false)]),
    ),
    pairSection("Labels", labelsOf(spec)),
    pairSection("Annotations", image.spec?.annotations ?? {}),
  ]);
}

/** OCI's image configuration, which containerd, CRI-O and dockershim tell. */
interface ImageSpec {
  readonly created?: string;
  readonly architecture?: string;
  readonly os?: string;
  readonly config?: {
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly Env?: readonly string[];
    readonly WorkingDir?: string;
    readonly ExposedPorts?: Readonly<Record<string, unknown>>;
    readonly Labels?: Readonly<Record<string, string>>;
  };
}

function imageSpecOf({ info }: Readonly<Record<string, unknown>>): ImageSpec {
  return (info as { imageSpec?: ImageSpec } | undefined)?.imageSpec ?? {};
}

function specFields({ created, architecture, os, config }: ImageSpec, nowMs: number): Field[] {
  const words = (list: readonly string[] | null | undefined): string =>
    (list ?? []).map(quote).join(" ");
  const createdMs = created === undefined ? Number.NaN : Date.parse(created);
  return [
    ["Built:", createdMs > 0 ? formatTime(BigInt(createdMs) * 1_000_000n, nowMs) : ""],
    ["Platform:", os && architecture ? `${os}/${architecture}` : ""],
    ["Entrypoint:", words(config?.Entrypoint)],
    ["Command:", words(config?.Cmd)],
    ["Working dir:", config?.WorkingDir ?? ""],
    ["Ports:", Object.keys(config?.ExposedPorts ?? {}).join(", ")],
    ["Environment:", words(config?.Env)],
  ];
}

function labelsOf({ config }: ImageSpec): Readonly<Record<string, string>> {
  return config?.Labels ?? {};
}

/** A word of a command line, so that it can be told where it ends. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
