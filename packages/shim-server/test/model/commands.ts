import { Code } from "@connectrpc/connect";
import type { KillMoment } from "@dockershim/testing";
import fc from "fast-check";
import { expectAgreement } from "./agreement.js";
import type { ModelContainer, ModelPod, Reference } from "./reference.js";
import type { System } from "./system.js";

type Command = fc.AsyncCommand<Reference, System>;

/** What became of a call: its reply, or the name of its error's code. */
type Outcome = { readonly reply: Record<string, unknown> } | { readonly code: string };

/** A CRI call on something that the model has. */
interface Act {
  call(system: System): Promise<unknown>;
  /**
   * Compares an outcome with the model, and has that follow.
   *
   * @param again Whether the call was made before, by a daemon that was killed over it.
   */
  follow(outcome: Outcome, again: boolean): void;
}

/** @returns Undefined when the model has nothing to do it to. */
type Plan = (model: Reference) => Act | undefined;

async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    return { reply: (await call) as Record<string, unknown> };
  } catch (err) {
    return { code: codeOf(err) };
  }
}

function codeOf(err: unknown): string {
  const { code } = err as { code?: string | number };
  if (typeof code === "number") {
    return (Code[code] ?? "").replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase();
  }
  if (typeof code !== "string") throw err;
  return code;
}

function require(outcome: Outcome, expected: "reply" | string): Record<string, unknown> {
  const got = "code" in outcome ? outcome.code : "reply";
  if (got !== expected) throw new Error(`expected ${expected}, got ${got}`);
  return "reply" in outcome ? outcome.reply : {};
}

/** Makes a command of a call. */
function cri(name: string, plan: Plan): Command {
  return {
    check: (model) => plan(model) !== undefined,
    async run(model, system) {
      const act = plan(model);
      act?.follow(await outcomeOf(act.call(system)), false);
      await expectAgreement(model, system);
    },
    toString: () => name,
  };
}

/** The same call, over which the daemon is killed; then it is made again, as the kubelet does. */
function crashing(name: string, plan: Plan, at: KillMoment): Command {
  return {
    check: (model) => plan(model) !== undefined,
    async run(model, system) {
      const act = plan(model);
      if (act === undefined) return;
      await system.crash(() => act.call(system), at);
      act.follow(await outcomeOf(act.call(system)), true);
      await expectAgreement(model, system);
    },
    toString: () => `${name}, killed ${at.when} step ${at.steps}, and again`,
  };
}

/** What the daemon sees of what is done without it: all, nothing but the result, or that as soon as it is back. */
const views = ["seen", "unheard", "away"] as const;

/** Something that is done without the daemon. */
function behind(
  name: string,
  view: (typeof views)[number],
  check: (model: Reference) => boolean,
  act: (model: Reference, system: System) => Promise<void>,
): Command {
  return {
    check,
    async run(model, system) {
      const done = () => act(model, system);
      let heard = (): void => undefined;
      if (view === "away") await system.restart(done);
      else if (view === "unheard" && system.unheard) heard = await system.unheard(done);
      else await done();
      await expectAgreement(model, system);
      heard();
    },
    toString: () => (view === "seen" ? name : `${name}, ${view}`),
  };
}

const podKeys = ["a", "b"] as const;
const containerKeys = ["x", "y"] as const;

function sandboxConfig({ logs, labels }: System, key: string) {
  return {
    metadata: { name: key, namespace: "model", uid: `uid-${key}`, attempt: 0 },
    logDirectory: logs,
    labels,
    linux: {},
  };
}

function pick<T>(all: Iterable<T>, choice: number): T | undefined {
  const list = [...all];
  return list[choice % Math.max(1, list.length)];
}

const runPod =
  (key: string): Plan =>
  (model) => ({
    call: (system) => system.calls.runPodSandbox({ config: sandboxConfig(system, key) }),
    follow(outcome) {
      const id = require(outcome, "reply").podSandboxId as string;
      if (!model.runsAnew(key)) {
        if (id !== model.podOf(key)?.id) throw new Error("a ready sandbox was made anew");
      } else if (model.pods.has(id)) {
        throw new Error("a sandbox that is not ready was called ready");
      } else {
        model.ran(key, id);
      }
    },
  });

const onPod =
  (choice: number, act: (pod: ModelPod, model: Reference) => Act): Plan =>
  (model) => {
    const pod = pick(model.pods.values(), choice);
    return pod && act(pod, model);
  };

const onContainer =
  (choice: number, act: (container: ModelContainer, model: Reference) => Act): Plan =>
  (model) => {
    const container = pick(model.containers.values(), choice);
    return container && act(container, model);
  };

/** A call that succeeds however often it is made. */
const always = (call: Act["call"], followed: () => void): Act => ({
  call,
  follow(outcome) {
    require(outcome, "reply");
    followed();
  },
});

const stopPod = (choice: number): Plan =>
  onPod(choice, ({ id }, model) =>
    always(
      ({ calls }) => calls.stopPodSandbox({ podSandboxId: id }),
      () => model.stoppedPod(id),
    ),
  );

const removePod = (choice: number): Plan =>
  onPod(choice, ({ id }, model) =>
    always(
      ({ calls }) => calls.removePodSandbox({ podSandboxId: id }),
      () => model.removedPod(id),
    ),
  );

const createContainer = (choice: number, name: string): Plan =>
  onPod(choice, (pod, model) => ({
    call: (system) =>
      system.calls.createContainer({
        podSandboxId: pod.id,
        sandboxConfig: sandboxConfig(system, pod.key),
        config: {
          metadata: { name, attempt: 0 },
          image: { image: system.image },
          command: ["sleep", "3600"],
          logPath: `${pod.key}-${name}.log`,
          labels: system.labels,
          linux: {},
        },
      }),
    follow(outcome) {
      const refusal = model.refusalToCreate(pod, name);
      const { containerId } = require(outcome, refusal ?? "reply");
      if (refusal === undefined) model.created(pod, name, containerId as string);
    },
  }));

const startContainer = (choice: number): Plan =>
  onContainer(choice, (container, model) => ({
    call: ({ calls }) => calls.startContainer({ containerId: container.id }),
    follow(outcome, again) {
      const refusal = model.refusalToStart(container);
      // The daemon that was killed may have started it.
      const started = again && refusal === undefined && "code" in outcome;
      require(outcome, started ? "FAILED_PRECONDITION" : (refusal ?? "reply"));
      if (refusal === undefined) container.state = "running";
      else if (refusal === "INTERNAL") container.state = "failed";
    },
  }));

const stopContainer = (choice: number): Plan =>
  onContainer(choice, ({ id }, model) =>
    always(
      ({ calls }) => calls.stopContainer({ containerId: id }),
      () => model.stopped(id),
    ),
  );

const removeContainer = (choice: number): Plan =>
  onContainer(choice, ({ id }, model) =>
    always(
      ({ calls }) => calls.removeContainer({ containerId: id }),
      () => void model.containers.delete(id),
    ),
  );

const choice = fc.nat(7);
const moment: fc.Arbitrary<KillMoment> = fc.record({
  steps: fc.nat(6),
  when: fc.constantFrom("before" as const, "after" as const),
});

type Named = readonly [name: string, plan: Plan];

const makers: readonly fc.Arbitrary<Named>[] = [
  fc.constantFrom(...podKeys).map((key) => [`run pod ${key}`, runPod(key)] as const),
  fc
    .tuple(choice, fc.constantFrom(...containerKeys))
    .map(([n, key]) => [`create container ${key} in pod ${n}`, createContainer(n, key)] as const),
  choice.map((n) => [`start container ${n}`, startContainer(n)] as const),
];

const enders: readonly fc.Arbitrary<Named>[] = [
  choice.map((n) => [`stop pod ${n}`, stopPod(n)] as const),
  choice.map((n) => [`remove pod ${n}`, removePod(n)] as const),
  choice.map((n) => [`stop container ${n}`, stopContainer(n)] as const),
  choice.map((n) => [`remove container ${n}`, removeContainer(n)] as const),
];

const alone = (named: fc.Arbitrary<Named>): fc.Arbitrary<Command> =>
  named.map(([name, plan]) => cri(name, plan));

const killed = (named: fc.Arbitrary<Named>): fc.Arbitrary<Command> =>
  fc.tuple(named, moment).map(([[name, plan], at]) => crashing(name, plan, at));

const running = ({ containers }: Reference) =>
  [...containers.values()].filter(({ state }) => state === "running");
const ready = ({ pods }: Reference) => [...pods.values()].filter((pod) => pod.ready);

const target = fc.tuple(choice, fc.constantFrom(...views));

/** What Docker's users and the node's administrators do. */
const others: fc.Arbitrary<Command>[] = [
  target.map(([n, view]) =>
    behind(
      `docker kill of container ${n}`,
      view,
      (model) => running(model).length > 0,
      async (model, system) => {
        const container = pick(running(model), n) as ModelContainer;
        await system.killBehind(container.id);
        container.state = "exited";
      },
    ),
  ),
  target.map(([n, view]) =>
    behind(
      `docker rm of container ${n}`,
      view,
      ({ containers }) => containers.size > 0,
      async ({ containers }, system) => {
        const { id } = pick(containers.values(), n) as ModelContainer;
        await system.removeBehind(id);
        containers.delete(id);
      },
    ),
  ),
  target.map(([n, view]) =>
    behind(
      `docker kill of pod ${n}`,
      view,
      (model) => ready(model).length > 0,
      async (model, system) => {
        const pod = pick(ready(model), n) as ModelPod;
        await system.killBehind(pod.id);
        model.stoppedPod(pod.id);
      },
    ),
  ),
  target.map(([n, view]) =>
    behind(
      `docker rm of pod ${n}`,
      view,
      ({ pods }) => pods.size > 0,
      async (model, system) => {
        const { id } = pick(model.pods.values(), n) as ModelPod;
        await system.removeBehind(id);
        // What has run in it stays until somebody asks for its removal.
        model.stoppedPod(id);
        model.pods.delete(id);
      },
    ),
  ),
  fc.constantFrom("unheard" as const, "away" as const).map((view) =>
    behind(
      "nothing",
      view,
      () => true,
      async () => undefined,
    ),
  ),
];

/** Any commands of any kind. What makes something comes more often, or there would be little to end. */
export function lifecycleCommands(maxCommands: number): fc.Arbitrary<Iterable<Command>> {
  const making = makers.map(alone);
  const calls = [...makers, ...enders];
  return fc.commands([...making, ...making, ...calls.map(alone), ...calls.map(killed), ...others], {
    maxCommands,
    size: "max",
  });
}
