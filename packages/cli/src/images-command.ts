import { type Image, ListImagesResponseSchema } from "@dockershim/cri-types";
import { formatBytes } from "./byte-size.js";
import type { DefineCommand } from "./command-context.js";
import { addImagesLoadCommand } from "./images-load-command.js";
import {
  addOutputOption,
  messageToObject,
  type OutputFormat,
  printObject,
} from "./output-format.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "./runtime-options.js";
import { shortId } from "./short-id.js";
import { formatTable } from "./table.js";
import type { Terminal } from "./terminal.js";

interface ImagesOptions {
  digests?: boolean;
  quiet?: boolean;
  trunc: boolean;
  output: OutputFormat;
}

/** `dockershim images` */
export const defineImages: DefineCommand = (command, { terminal }) => {
  command
    .argument("[image]", "only this image, by name or id")
    .option("--digests", "print digests too")
    .option("-q, --quiet", "print ids only")
    .option("--no-trunc", "print whole ids and digests");
  addDebugOption(addOutputOption(addRuntimeOptions(command)));
  command.action((image: string | undefined, options: ImagesOptions) =>
    withRuntime(command, terminal, async (client) => {
      const list = await client.image.listImages(image ? { filter: { image: { image } } } : {});
      if (options.output !== "table") {
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
  if (images.length === 0) {
    terminal.stderr.write("No images found.\n");
    return;
  }
  const rows = images
    .flatMap((image) => imageRows(image, options))
    .sort(([a = "", aTag = ""], [b = "", bTag = ""]) => compare(a, b) || compare(aTag, bTag));
  const header = ["image", "tag", "image id", "size"];
  if (options.digests) header.splice(2, 0, "digest");
  terminal.stdout.write(formatTable(header, rows));
}

/** One row for each name, since a person looks for a name. */
function imageRows(image: Image, { digests, trunc }: ImagesOptions): string[][] {
  const names = image.repoTags.length > 0 ? image.repoTags.map(splitTag) : [untagged(image)];
  return names.map(([name, tag]) => {
    const digest = image.repoDigests.find((each) => each.startsWith(`${name}@`));
    const row = [name, tag, shortId(image.id, !trunc), formatBytes(image.size)];
    if (digests) row.splice(2, 0, digest ? shortId(digest.split("@")[1] ?? "", !trunc) : "<none>");
    return row;
  });
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

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
