import { type Image, ImageSchema, type StreamImagesRequest } from "@dockershim/cri-types";
import { listChunks } from "../messages/list-chunks.js";
import { createImageList, type ImageListParts } from "./image-list.js";

/** StreamImages: ListImages in pieces. */
export function createImageStream(
  parts: ImageListParts,
): (request: StreamImagesRequest) => AsyncIterable<{ images: Image[] }> {
  const list = createImageList(parts);
  return async function* ({ filter }) {
    const { images } = await list({ filter });
    for (const chunk of listChunks(ImageSchema, images)) yield { images: chunk };
  };
}
