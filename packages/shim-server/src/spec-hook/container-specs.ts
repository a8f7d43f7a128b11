import { AsyncLocalStorage } from "node:async_hooks";
import { resolve } from "node:path";
import {
  applySpecPatch,
  applyUserNamespace,
  type OciSpec,
  readSpecPatch,
  SPEC_PATCH_LABEL,
  type UserNamespacePatch,
} from "@dockershim/pod-sandbox";
import {
  type HookedStart,
  type SpecHook,
  type SpecHookOptions,
  serveSpecHook,
} from "@dockershim/spec-hook";
import type { Logger } from "pino";
import type { SpecHookObserver } from "../observed/observers.js";
import type { Engine } from "../state/engine.js";
import type { StoreRecord } from "../state/records.js";
import type { Store } from "../state/store.js";
import {
  createRootMounts,
  type ImageVolume,
  type RootMounts,
  type VolumeMountOrder,
  volumesBehind,
} from "./root-mount.js";

/** What it takes to complete the specs of containers. */
export interface ContainerSpecsParts {
  readonly store: Pick<Store, "onChange" | "record">;
  readonly engine: Pick<Engine, "known">;
  readonly instance: string;
  /** The daemon's own folder: without it nobody will ever answer for its containers. */
  readonly rootDir: string;
  readonly log: Pick<Logger, "warn" | "error">;
  readonly observer?: SpecHookObserver | undefined;
  readonly serve?: (options: SpecHookOptions) => SpecHook;
  readonly rootMounts?: RootMounts;
}

/** Completes the OCI specs of the containers whose plan has a patch. */
export interface ContainerSpecs {
  /**
   * Answers for a container from now on. What becomes visible in the store is answered for anyhow.
   *
   * @throws Error when that is not possible
   */
  announce(id: string): void;
  /** Does so no longer. */
  withdraw(id: string): void;
  /** Starts a container by `start`: what its hook asks meanwhile belongs to the call that this is within. */
  during<T>(id: string, start: () => Promise<T>): Promise<T>;
  /**
   * Forgets what an earlier daemon answered for and is not there any more, and what daemons did whose root directories
   * are gone. Call it when the store is complete.
   */
  sweep(): void;
  close(): Promise<void>;
}

/**
 * Answers the spec hooks of all containers in the store that were created with a patch, for as long as they are there:
 * also of one that is started by somebody else.
 */
export function createContainerSpecs(parts: ContainerSpecsParts): ContainerSpecs {
  const { store, engine, instance, rootDir, log, observer, serve = serveSpecHook } = parts;
  const { rootMounts = createRootMounts() } = parts;

  const hook = serve({
    name: instance,
    root: resolve(rootDir),
    complete: (id, spec, start) => withinCall(id, () => observed(() => complete(id, spec, start))),
    onRefused: (container, err) => log.warn({ container, err }, "an OCI spec was not completed"),
  });

  /** Hooks come by a socket of their own, out of any call. */
  const starting = new Map<string, ReturnType<typeof AsyncLocalStorage.snapshot>>();

  function withinCall<T>(id: string, work: () => T): T {
    const call = starting.get(id);
    return call === undefined ? work() : call(work);
  }

  async function observed<T>(work: () => Promise<T>): Promise<T> {
    const end = observer?.();
    try {
      const result = await work();
      end?.();
      return result;
    } catch (err) {
      end?.(err);
      throw err;
    }
  }

  async function complete(id: string, spec: OciSpec, start: HookedStart): Promise<OciSpec> {
    const record = store.record(id);
    const patch = record && readSpecPatch(record.inspect);
    if (record === undefined || patch === undefined) {
      throw new Error(`container ${id} has nothing to be completed with`);
    }
    const patched = applySpecPatch(spec, patch);
    if (patch.userNamespace === undefined) return patched;
    return await enterUserNamespace(patched, record, start, patch.userNamespace);
  }

  async function enterUserNamespace(
    spec: OciSpec,
    record: StoreRecord,
    start: HookedStart,
    userNamespace: UserNamespacePatch,
  ): Promise<OciSpec> {
    const { sandbox: containerId } = userNamespace;
    const { path: root } = spec.root as { path: string };
    let owner: { pid: number; containerId: string } | undefined;
    if (containerId !== undefined) {
      const { Pid: pid } = store.record(containerId)?.inspect.State ?? { Pid: 0 };
      if (pid <= 0) throw new Error(`sandbox ${containerId} does not run`);
      owner = { pid, containerId };
    }
    if (owner !== undefined) {
      await mountImageVolumes(spec, record, { ...start, userNamespace, owner });
    }
    return applyUserNamespace(spec, userNamespace, {
      root: await rootMounts.mount({ root, ...start, userNamespace, owner }),
      sandboxPid: owner?.pid,
      engineRoot: resolve(engine.known().info.DockerRootDir),
    });
  }

  async function mountImageVolumes(
    spec: OciSpec,
    { inspect }: StoreRecord,
    order: Omit<VolumeMountOrder, keyof ImageVolume>,
  ): Promise<void> {
    const images = (inspect.Mounts ?? []).filter(({ Type }) => Type === "image");
    if (images.length === 0) return;
    const volumes = new Set(images.map(({ Destination }) => resolve(Destination)));
    const mounts = (spec.mounts ?? []) as { destination: string; source?: string }[];
    const sources = mounts
      .filter(({ destination }) => volumes.has(resolve(destination)))
      .map(({ source = "" }) => source);
    for (const volume of volumesBehind(sources)) {
      await rootMounts.mountVolume({ ...order, ...volume });
    }
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
    announce: (id) => hook.announce(id),
    withdraw: (id) => hook.withdraw(id),
    async during(id, start) {
      starting.set(id, AsyncLocalStorage.snapshot());
      try {
        return await start();
      } finally {
        starting.delete(id);
      }
    },
    sweep() {
      for (const id of hook.announced()) {
        if (store.record(id) === undefined) hook.withdraw(id);
      }
      try {
        hook.forgetLost();
      } catch (err) {
        log.warn({ err }, "could not remove what spec hooks of other root directories left");
      }
    },
    async close() {
      unfollow();
      await hook.close();
      await rootMounts.close();
    },
  };
}
