/** Whether two names mean the same socket: the scheme may be left out, and /var/run is /run. */
export function isSameSocket(a: string, b: string): boolean {
  return socketPath(a) === socketPath(b);
}

/** The path of a socket, in one form. */
export function socketPath(endpoint: string): string {
  return endpoint.replace(/^unix:(?:\/\/)?/, "").replace(/^\/var\/run\//, "/run/");
}
