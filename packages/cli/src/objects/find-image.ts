import { type CriClient, CriClientError } from "@dockershim/cri-client";
import type { Image } from "@dockershim/cri-types";
import { CliError } from "../cli-error.js";

/**
 * Finds an image by its id, the beginning of it, or what the runtime takes for its name. What looks like the
 * beginning of an id and is a name too is the name.
 *
 * @returns undefined where there is none.
 * @throws CliError ambiguous where several ids begin so; CriClientError.
 */
export async function findImage(client: CriClient, reference: string): Promise<Image | undefined> {
  const named = await askForName(client, reference);
  if (named) return named;
  const beginning = reference.replace(/^sha256:/, "");
  if (!/^[0-9a-f]+$/.test(beginning)) return undefined;
  const { images } = await client.image.listImages({});
  const found = images.filter(({ id }) => id.replace(/^sha256:/, "").startsWith(beginning));
  if (found.length < 2) return found[0];
  const ids = found.slice(0, 5).map(({ id }) => id.replace(/^sha256:/, "").slice(0, 13));
  const more = found.length > ids.length ? `, and ${found.length - ids.length} more` : "";
  throw new CliError(
    "ambiguous",
    `"${reference}" could be several images: ${ids.join(", ")}${more}`,
  );
}

/** What an image is called first of all. */
export function imageName({ id, repoTags, repoDigests }: Image): string {
  return repoTags[0] ?? repoDigests[0] ?? id;
}

async function askForName(client: CriClient, reference: string): Promise<Image | undefined> {
  try {
    return (await client.image.imageStatus({ image: { image: reference } })).image;
  } catch (error) {
    // What can be no image's name is none's.
    if (error instanceof CriClientError && error.code === "INVALID_ARGUMENT") return undefined;
    throw error;
  }
}
