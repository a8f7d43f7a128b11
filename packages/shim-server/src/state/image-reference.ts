/**
 * Image references as Docker shows them.
 *
 * Docker lists `docker.io/library/busybox` as `busybox`; a CRI caller may write any of the forms.
 * The familiar form has neither `docker.io/` nor `library/`, and always a tag or a digest.
 */
export function familiarReference(reference: string): string {
  const [named = "", digest] = splitOnce(reference, "@");
  const slash = named.lastIndexOf("/");
  const colon = named.lastIndexOf(":");
  const hasTag = colon > slash;
  const name = familiarName(hasTag ? named.slice(0, colon) : named);
  // A reference with both is resolved by its digest; the tag only says where it came from.
  if (digest !== undefined) return `${name}@${digest}`;
  return `${name}:${hasTag ? named.slice(colon + 1) : "latest"}`;
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

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

const imageId = /^(?:sha256:)?([0-9a-f]{64})$/;

/** The image id `sha256:…` that a reference is, if it is one; a repository has no such name. */
export function asImageId(reference: string): string | undefined {
  const hex = imageId.exec(reference)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}
