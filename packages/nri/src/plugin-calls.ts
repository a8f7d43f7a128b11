import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Owners } from "./field-owners.js";
import { Event, Plugin as PluginService } from "./gen/nri/pkg/api/v1alpha1/api_pb.js";
import { NriError } from "./nri-error.js";
import type { NriObserver } from "./observer.js";
import type { Plugin } from "./plugin.js";
import {
  type ContainerSubject,
  type CreateOutcome,
  eventNumbers,
  type ToldEvent,
} from "./plugin-events.js";
import type { PluginMembers } from "./plugin-members.js";
import { grpcStatus } from "./ttrpc-server.js";

const methods: typeof PluginService.method = PluginService.method;

/** How plugins are called, one at a time; one that cannot be called is dropped. */
export interface PluginCalls {
  /**
   * Calls a plugin.
   *
   * @returns undefined when it is gone for it
   * @throws NriError `call_failed` when it replies with an error; `message_too_large`
   */
  ask<I extends DescMessage, O extends DescMessage>(
    plugin: Plugin,
    desc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O> | undefined>;
  /** Tells a plugin of an event by the call that it knows. @throws NriError as {@link ask} */
  tell(plugin: Plugin, event: ToldEvent, request: Partial<ContainerSubject>): Promise<void>;
  /**
   * Shows an outcome to all who want to validate it. One that cannot be asked counts as against.
   *
   * @throws NriError `rejected`
   */
  validate(
    pristine: ContainerSubject,
    outcome: CreateOutcome,
    owners: Pick<Owners, "toMessage">,
  ): Promise<void>;
}

export function createPluginCalls(
  members: Pick<PluginMembers, "all" | "drop">,
  observer: Pick<NriObserver, "calling">,
): PluginCalls {
  async function ask<I extends DescMessage, O extends DescMessage>(
    plugin: Plugin,
    desc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O> | undefined> {
    const begin = performance.now();
    const over = observer.calling?.(plugin.id, desc.name);
    let failure: NriError | undefined;
    try {
      return await plugin.call(desc, request);
    } catch (reason) {
      failure = NriError.from(reason, "protocol_error");
      if (failure.code === "call_failed" || failure.code === "message_too_large") throw failure;
      members.drop(plugin, failure);
      return undefined;
    } finally {
      over?.(performance.now() - begin, failure?.code);
    }
  }

  async function tell(
    plugin: Plugin,
    event: ToldEvent,
    request: Partial<ContainerSubject>,
  ): Promise<void> {
    try {
      await ask(plugin, methods[event] as DescMethodUnary<DescMessage, DescMessage>, request);
    } catch (err) {
      if (!isUnimplemented(err)) throw err;
      // Plugins made before NRI 0.12 take these events by another call.
      const { pod, container } = request;
      try {
        await ask(plugin, methods.stateChange, {
          event: eventNumbers[event],
          ...(pod && { pod }),
          ...(container && { container }),
        });
      } catch (again) {
        if (!isUnimplemented(again)) throw again;
      }
    }
  }

  async function validate(
    pristine: ContainerSubject,
    outcome: CreateOutcome,
    owners: Pick<Owners, "toMessage">,
  ): Promise<void> {
    const validators = members.all.filter((plugin) =>
      plugin.wants(Event.VALIDATE_CONTAINER_ADJUSTMENT),
    );
    if (validators.length === 0) return;
    const request = {
      ...pristine,
      adjust: outcome.adjust,
      update: [...outcome.updates],
      owners: owners.toMessage(),
      plugins: members.all.map(({ index, name }) => ({ index, name })),
    };
    await Promise.all(
      validators.map(async (plugin) => {
        const reply = await ask(plugin, methods.validateContainerAdjustment, request);
        if (reply === undefined || reply.reject) {
          const why = reply === undefined ? "it did not answer" : reply.reason || "no reason given";
          throw new NriError("rejected", `NRI plugin ${plugin.id} refuses the container: ${why}`, {
            plugin: plugin.id,
          });
        }
      }),
    );
  }

  return { ask, tell, validate };
}

function isUnimplemented(reason: unknown): boolean {
  return reason instanceof NriError && reason.status === grpcStatus.unimplemented;
}
