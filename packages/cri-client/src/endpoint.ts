import { CriClientError } from "./cri-client-error.js";

/** Linux keeps a socket's path in 108 bytes, the closing NUL included. */
const maxSocketPathBytes = 107;

/**
 * Takes the socket's path out of an endpoint: `unix:///run/x.sock`,
 * `unix:/run/x.sock` or `/run/x.sock`, as kubelet and crictl accept them.
 *
 * @throws CriClientError INVALID_ARGUMENT for another scheme, a relative path, or a
 *   path that is too long for a socket address.
 */
export function parseEndpoint(endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/)?/, "");
  if (!path.startsWith("/")) throw invalid(endpoint, "expected unix:///absolute/path.sock");
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw invalid(endpoint, `a socket's path has ${maxSocketPathBytes} bytes at most`);
  }
  return path;
}

function invalid(endpoint: string, why: string): CriClientError {
  return new CriClientError({
    code: "INVALID_ARGUMENT",
    message: `bad runtime endpoint "${endpoint}": ${why}`,
    endpoint,
  });
}
