import { type ImageInspect, parseImageReference } from "@dockershim/docker-client";

/**
 * Image references as Docker shows them.
 *
 * Docker lists `docker.io/library/busybox` as `busybox`; a CRI caller may write any of the forms.
 * The familiar form has neither `docker.io/` nor `library/`, and always a tag or a digest.
 */
export function familiarReference(reference: string): string {
  const { name, tag = "latest", digest } = parseImageReference(reference);
  // A reference with both is resolved by its digest; the tag only says where it came from.
  return `${familiarName(name)}${digest === undefined ? `:${tag}` : `@${digest}`}`;
}

/**
 * A reference by digest that leads to an image (CRI `image_ref`): the one in the repository that it was asked for by, or
 * else the first one. Its id where it has none, as an image that was built here.
 */
export function digestedReference(
  { Id, RepoDigests }: Pick<ImageInspect, "Id" | "RepoDigests">,
  asked: string,
): string {
  const digested = RepoDigests ?? [];
  const repository = familiarName(parseImageReference(asked).name);
  const same = digested.find((reference) => parseImageReference(reference).name === repository);
  return same ?? digested[0] ?? Id;
}

/** The host, with its port, of the registry that a reference names. */
export function registryOf(reference: string): string {
  const [first = "", ...rest] = reference.split("/");
  // A first part without a dot or a port is a folder of Docker Hub, as the docker command has it.
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost && first !== "index.docker.io" ? first : "docker.io";
}

function familiarName(name: string): string {
  const local = name.replace(/^(?:index\.)?docker\.io\//, "");
  return local.replace(/^library\/(?=[^/]+$)/, "");
}

const imageId = /^(?:sha256:)?([0-9a-f]{64})$/;

/** The image id `sha256:…` that a reference is, if it is one; a repository has no such name. */
export function asImageId(reference: string): string | undefined {
  const hex = imageId.exec(reference)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}
