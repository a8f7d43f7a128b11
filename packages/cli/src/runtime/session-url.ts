/** The whole of a URL of CRI's: some runtimes leave the scheme out, and the host where it is their own. */
export function sessionUrl(url: string): URL {
  return new URL(url, "http://127.0.0.1");
}
