import { type Image, ListImagesResponseSchema } from "@dockershim/cri-types";
import { imageName } from "../objects/find-image.js";
import { imageUser } from "../objects/image-user.js";
import { formatBytes } from "../output/byte-size.js";
import { addListOptions, compareTexts, type ListFormat } from "../output/list-options.js";
import { printTable } from "../output/list-table.js";
import { isObjectFormat, messageToObject, printObject } from "../output/output-format.js";
import { shortId } from "../output/short-id.js";
import type { Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { addImagesLoadCommand } from "./images-load-command.js";

interface ImagesOptions {
  digests?: boolean;
  quiet?: boolean;
  trunc: boolean;
  sortBy: keyof typeof orders;
  output: ListFormat;
}

const fit = { drop: ["digest", "image id"], shrink: { image: 30, tag: 16 } };

const orders = {
  name: (a: Image, b: Image) => compareTexts(imageName(a), imageName(b)),
  size: (a: Image, b: Image) => Number(b.size - a.size),
};

/** `dockershim images` */
export const defineImages: DefineCommand = (command, { terminal }) => {
  command
    .argument("[image]", "only this image, by name or id")
    .option("--digests", "print digests too");
  addDebugOption(addListOptions(addRuntimeOptions(command), Object.keys(orders)));
  command.action((image: string | undefined, options: ImagesOptions) =>
    withRuntime(command, terminal, async (client) => {
      const list = await client.image.listImages(image ? { filter: { image: { image } } } : {});
      list.images.sort(orders[options.sortBy]);
      if (isObjectFormat(options.output)) {
        const object = messageToObject(ListImagesResponseSchema, list);
        await printObject(object, options.output, terminal);
      } else {
        printImages(list.images, options, terminal);
      }
    }),
  );
  addImagesLoadCommand(command, terminal);
};

function printImages(images: readonly Image[], options: ImagesOptions, terminal: Terminal): void {
  if (options.quiet) {
    for (const { id } of images) terminal.stdout.write(`${id}\n`);
    return;
  }
  if (options.output === "name") {
    for (const image of images) terminal.stdout.write(`${imageName(image)}\n`);
    return;
  }
  if (images.length === 0) {
    terminal.stderr.write("No images found.\n");
    return;
  }
  const rows = images.flatMap((image) => imageRows(image, options));
  if (options.sortBy === "name") {
    rows.sort(
      ([a = "", aTag = ""], [b = "", bTag = ""]) => compareTexts(a, b) || compareTexts(aTag, bTag),
    );
  }
  const header = ["image", "tag", "image id", "size"];
  if (showsDigests(options)) header.splice(2, 0, "digest");
  if (options.output === "wide") header.push("user", "pinned");
  const isWhole = options.output === "wide" || !options.trunc;
  printTable(header, rows, isWhole ? undefined : fit, terminal);
}

/** One row for each name, since a person looks for a name. */
function imageRows(image: Image, options: ImagesOptions): string[][] {
  const names = image.repoTags.length > 0 ? image.repoTags.map(splitTag) : [untagged(image)];
  return names.map(([name, tag]) => {
    const digest = image.repoDigests.find((each) => each.startsWith(`${name}@`));
    const row = [name, tag, shortId(image.id, !options.trunc), formatBytes(image.size)];
    const shown = digest ? shortId(digest.split("@")[1] ?? "", !options.trunc) : "<none>";
    if (showsDigests(options)) row.splice(2, 0, shown);
    if (options.output === "wide") row.push(imageUser(image) || "-", image.pinned ? "yes" : "no");
    return row;
  });
}

function showsDigests({ digests, output }: ImagesOptions): boolean {
  return digests === true || output === "wide";
}

function untagged({ repoDigests }: Image): [name: string, tag: string] {
  return [repoDigests[0]?.split("@")[0] ?? "<none>", "<none>"];
}

/** A colon before the last slash belongs to the registry's port. */
function splitTag(name: string): [name: string, tag: string] {
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/")
    ? [name.slice(0, colon), name.slice(colon + 1)]
    : [name, "<none>"];
}
