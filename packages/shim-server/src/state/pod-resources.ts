import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { type LinuxContainerResources, LinuxContainerResourcesSchema } from "@dockershim/cri-types";
import type { Store } from "./store.js";

/** Resources of a whole pod, as protobuf JSON for people. */
export interface PodResourcesInfo {
  readonly overhead?: JsonValue;
  readonly resources?: JsonValue;
}

/** What UpdatePodSandboxResources told of pods. */
export interface PodResources {
  get(sandboxId: string): PodResourcesInfo | undefined;
  set(
    sandboxId: string,
    overhead: LinuxContainerResources | undefined,
    resources: LinuxContainerResources | undefined,
  ): void;
}

/** Keeps them in memory for as long as the sandbox is there. */
export function createPodResources(store: Pick<Store, "onChange">): PodResources {
  const bySandbox = new Map<string, PodResourcesInfo>();
  store.onChange(({ id, after }) => {
    if (after === undefined) bySandbox.delete(id);
  });
  return {
    get: (sandboxId) => bySandbox.get(sandboxId),
    set(sandboxId, overhead, resources) {
      bySandbox.set(sandboxId, {
        ...(overhead && { overhead: toJson(LinuxContainerResourcesSchema, overhead) }),
        ...(resources && { resources: toJson(LinuxContainerResourcesSchema, resources) }),
      });
    },
  };
}
