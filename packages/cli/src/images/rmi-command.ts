import type { CriClient } from "@dockershim/cri-client";
import type { Image } from "@dockershim/cri-types";
import { CliError } from "../cli-error.js";
import { forEachReference, tryOn } from "../objects/each-object.js";
import { notFound } from "../objects/find-by-reference.js";
import { findImage } from "../objects/find-image.js";
import { readImageUse } from "../objects/image-use.js";
import type { Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

/** `dockershim rmi` */
export const defineRmi: DefineCommand = (command, { terminal }) => {
  command
    .argument(
      "[image...]",
      "ids, beginnings of them, or names; an image goes with all of its names",
    )
    .option("--prune", "all that nothing is made of, but for pinned ones");
  addDebugOption(addRuntimeOptions(command));
  command.action(async (references: string[], { prune = false }: { prune?: boolean }) => {
    if (prune === references.length > 0) {
      throw new CliError("usage", "rmi: name images, or say --prune");
    }
    await withRuntime(command, terminal, async (client) => {
      if (prune) return await removeUnused(client, terminal);
      await forEachReference(references, async (reference) => {
        const image = await findImage(client, reference);
        if (image === undefined) throw notFound(reference, "image");
        await remove(client, image, terminal);
      });
    });
  });
};

async function removeUnused(client: CriClient, terminal: Terminal): Promise<void> {
  const unused = new Map(
    (await readImageUse(client))
      .filter(({ isUsed }) => !isUsed)
      .map(({ image }) => [image.id, image]),
  );
  if (unused.size === 0) terminal.stderr.write("No unused images found.\n");
  await forEachReference([...unused.keys()], async (id) => {
    const image = unused.get(id);
    if (image !== undefined) await remove(client, image, terminal);
  });
}

async function remove(client: CriClient, image: Image, terminal: Terminal): Promise<void> {
  const names = image.repoTags.length > 0 ? image.repoTags : image.repoDigests;
  const name = `image ${names.join(", ") || image.id}`;
  await tryOn(name, () => client.image.removeImage({ image: { image: image.id } }));
  terminal.stdout.write(`${name} removed\n`);
}
