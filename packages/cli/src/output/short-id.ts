/** Enough of an id to be unique on a node, as crictl shows it. */
const shortIdLength = 13;

/** An id for a table: cut, without the algorithm of a digest, unless asked for whole. */
export function shortId(id: string, whole: boolean): string {
  return whole ? id : id.replace(/^sha256:/, "").slice(0, shortIdLength);
}
