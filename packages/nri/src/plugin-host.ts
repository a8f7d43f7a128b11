import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import { createOwners } from "./field-owners.js";
import {
  type ContainerEviction,
  ContainerSchema,
  type ContainerUpdate,
  Event,
  LinuxResourcesSchema,
  Plugin as PluginService,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
import { collectAdjustments } from "./merge-adjustments.js";
import { collectUpdates } from "./merge-updates.js";
import { NriError } from "./nri-error.js";
import { createPluginCalls } from "./plugin-calls.js";
import {
  type ContainerSubject,
  type CreateOutcome,
  eventNumbers,
  type ToldEvent,
  type ToldMethods,
  type UpdateOutcome,
} from "./plugin-events.js";
import { openPluginMembers, type PluginHostOptions } from "./plugin-members.js";

const methods: typeof PluginService.method = PluginService.method;

/**
 * The runtime's side of NRI: it calls the plugins of a node in ascending order of their indices.
 * Plugins are called by one event at a time, since upstream's have never known it otherwise.
 *
 * A plugin that does not reply in time, or whose connection ends, is dropped with a warning, and
 * whatever it was asked about goes on without it. An error that it replies with fails the call.
 */
export interface PluginHost {
  /** INDEX-NAME of the plugins that are connected, in order. */
  readonly plugins: readonly string[];
  /** Settles once the plugins that are started here are in, or could not be. Never rejects. */
  readonly launched: Promise<void>;
  /**
   * Keeps new plugins out from before an event until what it is about can be found in the
   * inventory, or no longer, so that a plugin is told of it by one of them, and of none twice. Waits
   * while a plugin is being told of all there is.
   *
   * @returns What ends it; calls after the first do nothing.
   */
  hold(signal: AbortSignal): Promise<() => void>;
  /**
   * Tells all plugins of an event.
   *
   * @throws NriError `call_failed` with the error of the first that replied with one.
   */
  tell<Name extends ToldEvent>(
    event: Name,
    request: MessageInitShape<ToldMethods[Name]["input"]>,
  ): Promise<void>;
  /**
   * Asks what is to be different in a container that is about to be created.
   *
   * @throws NriError `call_failed`; `conflict` when two plugins set the same; `rejected` when a
   * validator refuses the outcome, or cannot be asked.
   */
  createContainer(subject: ContainerSubject): Promise<CreateOutcome>;
  /** Asks what an update is to be. @throws NriError `call_failed`; `conflict`. */
  updateContainer(
    subject: ContainerSubject,
    resources: MessageInitShape<typeof LinuxResourcesSchema>,
  ): Promise<UpdateOutcome>;
  /**
   * Tells all plugins that a container has ended. Errors are told to the observer: nothing can be
   * changed any more.
   *
   * @returns Updates of others.
   */
  stopContainer(subject: ContainerSubject): Promise<readonly ContainerUpdate[]>;
  /** Tells plugins that the runtime ends, ends those that were started here, and listens no longer. */
  close(): Promise<void>;
}

/**
 * Listens for plugins, and begins to start those of the node.
 *
 * @throws NriError `socket_in_use`; the system's error when the socket cannot be made.
 */
export async function startPluginHost(options: PluginHostOptions): Promise<PluginHost> {
  const { observer } = options;
  const members = await openPluginMembers(options);
  const calls = createPluginCalls(members, observer);
  let turn: Promise<unknown> = Promise.resolve();

  /** Runs what calls plugins when what was asked for before is done. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  }

  return {
    launched: members.launched,
    get plugins() {
      return members.all.map(({ id }) => id);
    },
    hold: members.hold,
    async tell(event, request) {
      if (members.all.length === 0) return;
      await inTurn(async () => {
        const errors: unknown[] = [];
        for (const plugin of members.all) {
          if (!plugin.wants(eventNumbers[event])) continue;
          // What one says of it is no reason for others not to know.
          await calls
            .tell(plugin, event, request as Partial<ContainerSubject>)
            .catch((err: unknown) => errors.push(err));
        }
        if (errors.length > 0) throw errors[0];
      });
    },
    createContainer: ({ pod, container }) =>
      inTurn(async () => {
        const owners = createOwners();
        const pristine = create(ContainerSchema, container);
        const adjustments = collectAdjustments(clone(ContainerSchema, pristine), owners);
        const updates = collectUpdates(owners, { creating: pristine.id });
        const evictions: ContainerEviction[] = [];
        for (const plugin of members.all) {
          if (!plugin.wants(Event.CREATE_CONTAINER)) continue;
          const reply = await calls.ask(plugin, methods.createContainer, {
            pod,
            container: adjustments.container,
          });
          if (reply?.adjust !== undefined) adjustments.merge(reply.adjust, plugin.id);
          if (reply !== undefined) updates.merge(reply.update, plugin.id);
          evictions.push(...(reply?.evict ?? []));
        }
        const outcome = {
          adjust: adjustments.collected,
          updates: updates.collected(),
          evictions,
        };
        await calls.validate({ pod, container: pristine }, outcome, owners);
        return outcome;
      }),
    updateContainer: ({ pod, container }, wanted) =>
      inTurn(async () => {
        const resources = clone(LinuxResourcesSchema, create(LinuxResourcesSchema, wanted));
        const updates = collectUpdates(createOwners(), {
          own: { container: container.id ?? "", resources },
        });
        const evictions: ContainerEviction[] = [];
        for (const plugin of members.all) {
          if (!plugin.wants(Event.UPDATE_CONTAINER)) continue;
          const reply = await calls.ask(plugin, methods.updateContainer, {
            pod,
            container,
            linuxResources: resources,
          });
          if (reply !== undefined) updates.merge(reply.update, plugin.id);
          evictions.push(...(reply?.evict ?? []));
        }
        return { resources, updates: updates.collected(), evictions };
      }),
    async stopContainer(subject) {
      if (members.all.length === 0) return [];
      return await inTurn(async () => {
        const updates = collectUpdates(createOwners());
        for (const plugin of members.all) {
          if (!plugin.wants(Event.STOP_CONTAINER)) continue;
          try {
            const reply = await calls.ask(plugin, methods.stopContainer, { ...subject });
            if (reply !== undefined) updates.merge(reply.update, plugin.id);
          } catch (err) {
            const { message: reason } = NriError.from(err, "protocol_error");
            observer.log("warn", "an NRI plugin failed at a container's end", {
              container: subject.container.id,
              reason,
            });
          }
        }
        return updates.collected();
      });
    },
    close: members.close,
  };
}
