import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Field,
  type FieldOwnersSchema,
  type OwningPlugins,
  OwningPluginsSchema,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
import { NriError } from "./nri-error.js";

/**
 * Who has set what, in the containers that one call is about. A field has one owner: a second plugin
 * that wants to set it is refused, unless it removes what the first has set, and so takes it over.
 */
export interface Owners {
  /**
   * Claims a field, or one entry of it, for a plugin.
   *
   * @throws NriError `conflict` when it has an owner.
   */
  claim(container: string, field: Field, plugin: string, entry?: string): void;
  /** Takes what is removed: nobody but this plugin can set it from now on. */
  clear(container: string, field: Field, plugin: string, entry?: string): void;
  /** Adds a plugin to the owners of a field that many can add to. */
  share(container: string, field: Field, plugin: string): void;
  /** Does some claims; if one fails, none stays. */
  together(claims: () => void): void;
  /** As validators are told. */
  toMessage(): OwningPlugins;
}

interface Owned {
  readonly container: string;
  readonly field: Field;
  readonly entry: string | undefined;
  readonly owner: string;
}

/** Marks the owner of what was removed. */
const removedBy = "-";

export function createOwners(): Owners {
  let owned = new Map<string, Owned>();

  function keyOf(container: string, field: Field, entry: string | undefined): string {
    return JSON.stringify([container, field, entry]);
  }

  function own(container: string, field: Field, entry: string | undefined, owner: string): void {
    owned.set(keyOf(container, field, entry), { container, field, entry, owner });
  }

  return {
    claim(container, field, plugin, entry) {
      const owner = owned.get(keyOf(container, field, entry))?.owner;
      if (owner !== undefined && owner !== removedBy + plugin) {
        const what = entry === undefined ? Field[field] : `${Field[field]} ${entry}`;
        throw new NriError(
          "conflict",
          owner === plugin
            ? `NRI plugin ${plugin} set ${what} of container ${container} twice`
            : `NRI plugins ${owner.replace(/^-/, "")} and ${plugin} both set ${what} of ` +
                `container ${container}`,
          { plugin },
        );
      }
      own(container, field, entry, plugin);
    },
    clear(container, field, plugin, entry) {
      own(container, field, entry, removedBy + plugin);
    },
    share(container, field, plugin) {
      const owner = owned.get(keyOf(container, field, undefined))?.owner;
      own(container, field, undefined, owner === undefined ? plugin : `${owner},${plugin}`);
    },
    together(claims) {
      const before = new Map(owned);
      try {
        claims();
      } catch (err) {
        owned = before;
        throw err;
      }
    },
    toMessage() {
      type Fields = Required<
        Pick<MessageInitShape<typeof FieldOwnersSchema>, "simple" | "compound">
      >;
      const owners: Record<string, Fields> = {};
      for (const { container, field, entry, owner } of owned.values()) {
        owners[container] ??= { simple: {}, compound: {} };
        const { simple, compound } = owners[container];
        if (entry === undefined) {
          simple[field] = owner;
        } else {
          const { owners: entries = {} } = compound[field] ?? {};
          compound[field] = { owners: { ...entries, [entry]: owner } };
        }
      }
      return create(OwningPluginsSchema, { owners });
    },
  };
}
