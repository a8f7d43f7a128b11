import { CliError } from "../cli-error.js";

/** A port here and the pod's that it is joined with. */
export interface PortPair {
  /** 0 for one that is free. */
  readonly local: number;
  readonly remote: number;
}

/**
 * Reads `REMOTE`, `LOCAL:REMOTE` or `:REMOTE`, as kubectl has them.
 *
 * @throws CliError usage
 */
export function parsePortPair(text: string): PortPair {
  const [, local, remote] = /^(?:(\d*):)?(\d+)$/.exec(text) ?? [];
  const pair = {
    local: local === undefined ? Number(remote) : Number(local || "0"),
    remote: Number(remote),
  };
  if (remote === undefined || pair.remote < 1 || pair.remote > 65_535 || pair.local > 65_535) {
    throw new CliError(
      "usage",
      `port-forward: "${text}" is no port: write 80, 8080:80, or :80 for any free port here`,
    );
  }
  return pair;
}
