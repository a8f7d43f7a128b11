/** A reference split the way `POST /images/create` takes it. */
export interface SplitReference {
  /** Registry, port and path. */
  name: string;
  /** A tag or a digest. */
  tag: string;
}

/**
 * Splits `name[:tag][@digest]`. A digest wins over a tag, as with the docker command. Without
 * either the tag is `latest`: the engine would otherwise pull all tags there are.
 */
export function splitReference(reference: string): SplitReference {
  const at = reference.indexOf("@");
  const named = at < 0 ? reference : reference.slice(0, at);
  // A colon before the last slash belongs to the registry's port.
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  if (at >= 0) return { name, tag: reference.slice(at + 1) };
  return { name, tag: colon < 0 ? "latest" : named.slice(colon + 1) };
}
