import type { Capability } from "@dockershim/cri-types";
import type { HostConfig } from "./docker-create.js";

const all = "ALL";

/**
 * Docker's `CapAdd` and `CapDrop`. Docker and CRI read the two lists differently where they
 * overlap: CRI applies ALL first and then single names, dropped ones last. The lists are
 * rewritten so that Docker's rules lead to CRI's result.
 *
 * @param capabilities names with or without `CAP_`, in any case, or `ALL`
 */
export function toCapabilities(
  capabilities: Capability | undefined,
): Pick<HostConfig, "CapAdd" | "CapDrop"> {
  if (capabilities === undefined) return {};
  const added = normalize(capabilities.addCapabilities);
  const dropped = normalize(capabilities.dropCapabilities);
  const singleDrops = dropped.filter((name) => name !== all);
  // A dropped name must not come back: Docker lets a single added name win.
  const adds = added.filter((name) => name === all || !singleDrops.includes(name));
  if (dropped.includes(all)) {
    // Docker lets an added ALL win over a dropped one; in CRI nothing but single names is left.
    return fields(
      adds.filter((name) => name !== all),
      [all],
    );
  }
  return fields(adds, singleDrops);
}

function fields(adds: string[], drops: string[]): Pick<HostConfig, "CapAdd" | "CapDrop"> {
  return {
    ...(adds.length > 0 ? { CapAdd: adds } : {}),
    ...(drops.length > 0 ? { CapDrop: drops } : {}),
  };
}

function normalize(names: readonly string[]): string[] {
  const normalized = names.map((name) => {
    const upper = name.toUpperCase();
    return upper === all || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  });
  return [...new Set(normalized)];
}
