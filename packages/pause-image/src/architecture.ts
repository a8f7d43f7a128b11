import { PauseImageError } from "./pause-image-error.js";

/** An architecture as image configs name it (OCI image spec, config, `architecture`). */
export type PauseArchitecture = "amd64" | "arm64";

const names: ReadonlyMap<string, PauseArchitecture> = new Map([
  ["amd64", "amd64"],
  // The kernel's names, which Docker's `GET /info` answers with.
  ["x86_64", "amd64"],
  ["arm64", "arm64"],
  ["aarch64", "arm64"],
]);

/**
 * Turns an architecture's name as Docker writes it (`Arch` of `GET /version`, or `Architecture` of
 * `GET /info`) into the name that images use.
 *
 * @throws PauseImageError `unsupported-architecture` when there is no pause program for it
 */
export function pauseArchitecture(name: string): PauseArchitecture {
  const architecture = names.get(name);
  if (architecture === undefined) {
    throw new PauseImageError(
      "unsupported-architecture",
      `no pause image for architecture "${name}"; there is one for ${[...names.keys()].join(", ")}`,
    );
  }
  return architecture;
}
