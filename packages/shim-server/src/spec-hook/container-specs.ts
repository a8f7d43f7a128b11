import {
  applySpecPatch,
  type OciSpec,
  readSpecPatch,
  SPEC_PATCH_LABEL,
} from "@dockershim/pod-sandbox";
import { type SpecHook, type SpecHookOptions, serveSpecHook } from "@dockershim/spec-hook";
import type { Logger } from "pino";
import type { StoreRecord } from "../state/records.js";
import type { Store } from "../state/store.js";

/** What it takes to complete the specs of containers. */
export interface ContainerSpecsParts {
  readonly store: Pick<Store, "onChange" | "container" | "sandbox" | "containers" | "sandboxes">;
  readonly instance: string;
  readonly log: Pick<Logger, "warn" | "error">;
  readonly serve?: (options: SpecHookOptions) => SpecHook;
}

/** Completes the OCI specs of the containers whose plan has a patch. */
export interface ContainerSpecs {
  /** Forgets what an earlier daemon answered for and is not there any more. Call it when the store is complete. */
  sweep(): void;
  close(): Promise<void>;
}

/**
 * Answers the spec hooks of all containers in the store that were created with a patch, for as long as they are there:
 * also of one that is started by somebody else.
 */
export function createContainerSpecs(parts: ContainerSpecsParts): ContainerSpecs {
  const { store, instance, log, serve = serveSpecHook } = parts;

  const hook = serve({
    name: instance,
    complete,
    onRefused: (container, err) => log.warn({ container, err }, "an OCI spec was not completed"),
  });

  function complete(id: string, spec: OciSpec): OciSpec {
    const record = store.container(id) ?? store.sandbox(id);
    const patch = record && readSpecPatch(record.inspect);
    if (patch === undefined) throw new Error(`container ${id} has nothing to be completed with`);
    return applySpecPatch(spec, patch);
  }

  function follow({ id, after }: { id: string; after: StoreRecord | undefined }): void {
    try {
      if (after === undefined) hook.withdraw(id);
      else if (after.inspect.Config.Labels?.[SPEC_PATCH_LABEL] !== undefined) hook.announce(id);
    } catch (err) {
      // Its start will fail, and say that nobody answers for it.
      log.error({ err, container: id }, "cannot answer the spec hook of a container");
    }
  }

  const unfollow = store.onChange(follow);

  return {
    sweep() {
      for (const id of hook.announced()) {
        if ((store.container(id) ?? store.sandbox(id)) === undefined) hook.withdraw(id);
      }
    },
    async close() {
      unfollow();
      await hook.close();
    },
  };
}
