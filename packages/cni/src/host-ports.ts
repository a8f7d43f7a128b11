import type { Attaching, AttachmentId } from "./attachment.js";
import { capability, findHostPortConflict, type PortMappingEntry } from "./capabilities.js";
import { CniError } from "./errors.js";
import { isJsonObject } from "./json.js";
import type { Network } from "./network-config.js";
import type { ResultCache } from "./result-cache.js";

/**
 * Which attachment has which ports of the host. The portmap plugin does not
 * notice when a port is mapped twice: the rules of the first go on working, and
 * the second pod waits in vain.
 */
export interface HostPorts {
  /**
   * Takes the ports that an attachment is to map, if a plugin of the network
   * declares that it maps ports.
   *
   * @throws CniError `host_port_taken`
   */
  claim(network: Network, attachment: Attaching): Promise<void>;
  release(id: AttachmentId): void;
}

interface Claim {
  readonly containerId: string;
  readonly capabilityArgs: { readonly portMappings: readonly PortMappingEntry[] };
}

/** @param cache tells, once, what earlier processes have mapped */
export function createHostPorts(cache: ResultCache): HostPorts {
  const claims = new Map<string, Claim>();
  let loaded: Promise<void> | undefined;

  const load = async () => {
    for (const cached of await cache.list()) {
      const mappings = mappingsOf(cached.capabilityArgs);
      // Other runtimes' attachments may be long gone; nobody tidies up after them.
      if (mappings.length > 0 && !cached.readOnly) {
        claims.set(keyOf(cached), claimOf(cached, mappings));
      }
    }
  };

  return {
    claim: async (network, attachment) => {
      const mappings = mappingsOf(attachment.capabilityArgs ?? {});
      const mapped = network.plugins.some((it) => it.capabilities.has(capability.portMappings));
      if (mappings.length === 0 || !mapped) return;
      loaded ??= load();
      await loaded.catch((error: unknown) => {
        loaded = undefined;
        throw error;
      });
      // From here to the claim nothing else runs, so that no two can have the same port.
      const key = keyOf(attachment);
      const others = [...claims].filter(([other]) => other !== key).map(([, claim]) => claim);
      const conflict = findHostPortConflict(mappings, others);
      if (conflict !== undefined) {
        const { hostPort, protocol, hostIP } = conflict.wanted;
        const port = `host port ${hostIP === undefined ? "" : `${hostIP} `}${hostPort}/${protocol}`;
        throw new CniError(
          "host_port_taken",
          conflict.containerId === undefined
            ? `${port} is asked for twice`
            : `${port} is taken by container ${conflict.containerId}`,
        );
      }
      claims.set(key, claimOf(attachment, mappings));
    },
    release: (id) => {
      claims.delete(keyOf(id));
    },
  };
}

function mappingsOf(capabilityArgs: Attaching["capabilityArgs"] & object): PortMappingEntry[] {
  const value = capabilityArgs[capability.portMappings];
  return Array.isArray(value)
    ? value.filter((entry): entry is PortMappingEntry => isJsonObject(entry) && isMapped(entry))
    : [];
}

function isMapped({ hostPort, protocol }: { hostPort?: unknown; protocol?: unknown }): boolean {
  return typeof hostPort === "number" && hostPort > 0 && typeof protocol === "string";
}

function claimOf({ containerId }: AttachmentId, portMappings: readonly PortMappingEntry[]): Claim {
  return { containerId, capabilityArgs: { portMappings } };
}

function keyOf({ containerId, ifName }: AttachmentId): string {
  return `${containerId}/${ifName}`;
}
