import { clone, create } from "@bufbuild/protobuf";
import type { Owners } from "./field-owners.js";
import {
  type ContainerUpdate,
  ContainerUpdateSchema,
  type LinuxResources,
  LinuxResourcesSchema,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
import { mergeResources } from "./merge-resources.js";
import { NriError } from "./nri-error.js";

/** What several plugins want of containers that exist. */
export interface Updates {
  /**
   * Adds what the next plugin wants.
   *
   * @throws NriError `conflict` when it sets what another one has set, unless it said that a failure
   * is to be ignored; `invalid_request` for the container that is about to be created.
   */
  merge(wanted: readonly ContainerUpdate[], plugin: string): void;
  /** One for each container. */
  collected(): ContainerUpdate[];
}

/**
 * @param creating The container that is being created, which cannot be updated.
 * @param own The update that the call is about: changed as plugins want, and not collected.
 */
export function collectUpdates(
  owners: Owners,
  {
    creating,
    own,
  }: {
    readonly creating?: string;
    readonly own?: { readonly container: string; readonly resources: LinuxResources };
  } = {},
): Updates {
  const updates = new Map<string, ContainerUpdate>();

  function targetOf({ containerId, ignoreFailure }: ContainerUpdate): LinuxResources {
    if (containerId === own?.container) return own.resources;
    const known = updates.get(containerId);
    if (known !== undefined) known.ignoreFailure &&= ignoreFailure;
    const update =
      known ??
      create(ContainerUpdateSchema, { containerId, ignoreFailure, linux: { resources: {} } });
    updates.set(containerId, update);
    return update.linux?.resources ?? create(LinuxResourcesSchema);
  }

  return {
    merge(wanted, plugin) {
      for (const update of wanted) {
        const { containerId, linux, ignoreFailure } = update;
        if (containerId === creating) {
          throw new NriError(
            "invalid_request",
            `NRI plugin ${plugin} wants to update ${containerId} while it is created`,
            { plugin },
          );
        }
        if (linux?.resources === undefined) continue;
        try {
          mergeResources(linux.resources, [targetOf(update)], owners, containerId, plugin);
        } catch (err) {
          if (!ignoreFailure) throw err;
        }
      }
    },
    collected: () => [...updates.values()].map((update) => clone(ContainerUpdateSchema, update)),
  };
}
