import type { ImageHistoryEntry, ImageInspect } from "@dockershim/docker-client";

/**
 * What ImageStatus tells when it is asked to be verbose, and `crictl inspecti` prints: the image's
 * config with labels and history, in the shape of an OCI image config as containerd has it under
 * `imageSpec`, and what is Docker's own beside it.
 */
export function verboseImageInfo(
  image: ImageInspect,
  history: readonly ImageHistoryEntry[],
): Record<string, unknown> {
  const { Architecture, Author, Config, Created, Os, RootFS, Variant, ...docker } = image;
  return {
    imageSpec: {
      ...(Created ? { created: Created } : {}),
      ...(Author ? { author: Author } : {}),
      architecture: Architecture,
      ...(Variant ? { variant: Variant } : {}),
      os: Os,
      config: Config ?? {},
      rootfs: { type: RootFS.Type, diff_ids: RootFS.Layers ?? [] },
      // Docker tells the newest layer first, an image config the oldest.
      history: history.toReversed().map(({ Created: at, CreatedBy, Comment }) => ({
        ...(at > 0 ? { created: new Date(at * 1000).toISOString() } : {}),
        created_by: CreatedBy,
        ...(Comment === "" ? {} : { comment: Comment }),
      })),
    },
    docker,
  };
}
