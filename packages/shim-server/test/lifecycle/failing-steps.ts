import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Code } from "@connectrpc/connect";
import { type Fault, type StepInProgress, until } from "@dockershim/testing";
import { describe, expect, test } from "@jest/globals";
import { inWorld, type World } from "./world.js";

/** One call, of which every step is made to fail in every way. */
export interface Scenario<Request, Reply = unknown> {
  readonly name: string;
  /** How many steps the call takes when all goes well: a table that has become empty is noticed. */
  readonly steps: number;
  /** Whether a call that fails leaves everything as it was; otherwise it may have been half done. */
  readonly undoes: boolean;
  prepare(world: World): Promise<Request>;
  call(world: World, request: Request, signal?: AbortSignal): Promise<Reply>;
  /** What must hold after a failure, before the call is repeated. */
  failed?(world: World, request: Request): void | Promise<void>;
  /** Whether the call can be repeated as it was after this failure. Default: always. */
  repeatable?(world: World): boolean;
  /** What must hold when the call has succeeded, at once or when it was repeated. */
  done(world: World, reply: Reply): void | Promise<void>;
}

/** How a step goes wrong. */
interface Way {
  readonly name: string;
  /** Only requests go on without whoever asked for them: a plugin is killed. */
  readonly engineOnly?: boolean;
  readonly code: (step: string) => Code;
  /** @param over To be called when the step is over; without it, that is before the call is. */
  fault(caller: AbortController, call: Promise<unknown>, over: () => void): Fault;
  /** Whether the step may be over after the call. */
  readonly late?: boolean;
}

const canceled = (): Code => Code.Canceled;

const ways: readonly Way[] = [
  { name: "fails", code: () => Code.Internal, fault: () => ({ outcome: "refused" }) },
  {
    name: "is done, and its reply is lost",
    code: (step) => (step.startsWith("network") ? Code.Internal : Code.Unavailable),
    fault: () => ({ outcome: "lost" }),
  },
  {
    name: "is about to be done when the caller leaves",
    code: canceled,
    fault: (caller) => ({ before: (step) => leave(caller, step) }),
  },
  {
    name: "is done when the caller leaves",
    code: canceled,
    fault: (caller) => ({ after: (step) => leave(caller, step) }),
  },
  {
    name: "is done by an engine that does not see that the caller has left",
    engineOnly: true,
    late: true,
    code: canceled,
    fault: (caller, call, over) => ({
      regardless: true,
      after: over,
      async before(step) {
        if (await leave(caller, step)) await call.catch(() => undefined);
      },
    }),
  },
];

/**
 * The caller goes.
 *
 * @returns Whether the daemon has broken the step off. That is heard at once, and takes some turns
 * of the event loop to get here.
 */
async function leave(caller: AbortController, { left }: StepInProgress): Promise<boolean> {
  let broken = false;
  void left.then(() => {
    broken = true;
  });
  caller.abort();
  for (let turn = 0; turn < 20 && !broken; turn++) await setImmediate();
  return broken;
}

/**
 * Defines a table of tests: a row for each step of the call and each way in which it can fail, and
 * for a call that is undone, one for each step of that.
 */
export async function testFailingSteps<Request, Reply>(
  scenario: Scenario<Request, Reply>,
): Promise<void> {
  const steps = await recordSteps(scenario);
  const undoing = scenario.undoes ? await recordUndoing(scenario, steps) : [];
  const rows = steps.flatMap((step) =>
    ways
      .filter(({ engineOnly }) => !(engineOnly && step.startsWith("network")))
      .map((way): [string, string, Way] => [step, way.name, way]),
  );
  describe(scenario.name, () => {
    test("takes the steps that the table is made of", () => {
      expect(steps).toHaveLength(scenario.steps);
    });
    test.each(rows)("%s %s", async (step, _name, way) => {
      await inWorld((world) => runRow(scenario, world, step, way));
    });
    if (undoing.length === 0) return;
    test.each(undoing)("%s fails, and then %s, which undoes", async (step, undo) => {
      await inWorld(async (world) => {
        const request = await scenario.prepare(world);
        world.steps.forget();
        world.steps.plan(step, { outcome: "lost" });
        world.steps.plan(undo, { outcome: "refused" });
        await expect(scenario.call(world, request)).rejects.toBeDefined();
        expect(world.steps.taken).toContain(undo);
        await world.settle();
        await scenario.done(world, await scenario.call(world, request));
        await world.settle();
      });
    });
  });
}

async function recordSteps<Request, Reply>(
  scenario: Scenario<Request, Reply>,
): Promise<readonly string[]> {
  return await inWorld(async (world) => {
    const request = await scenario.prepare(world);
    world.steps.forget();
    const reply = await scenario.call(world, request);
    const { taken } = world.steps;
    await scenario.done(world, reply);
    await world.settle();
    return taken;
  });
}

/** The steps by which a call is undone that fails at one of its steps, with that step. */
async function recordUndoing<Request, Reply>(
  scenario: Scenario<Request, Reply>,
  steps: readonly string[],
): Promise<[step: string, undo: string][]> {
  const found: [string, string][] = [];
  for (const step of steps) {
    await inWorld(async (world) => {
      const request = await scenario.prepare(world);
      world.steps.forget();
      world.steps.plan(step, { outcome: "lost" });
      const failed = await scenario.call(world, request).then(
        () => false,
        () => true,
      );
      if (!failed) return;
      const { taken } = world.steps;
      for (const undo of taken.slice(taken.indexOf(step) + 1)) found.push([step, undo]);
    });
  }
  return found;
}

async function runRow<Request, Reply>(
  scenario: Scenario<Request, Reply>,
  world: World,
  step: string,
  way: Way,
): Promise<void> {
  const request = await scenario.prepare(world);
  const before = stateOf(world);
  world.steps.forget();
  const caller = new AbortController();
  const over = Promise.withResolvers<void>();
  const planned = Promise.withResolvers<void>();
  const call = planned.promise.then(() => scenario.call(world, request, caller.signal));
  world.steps.plan(step, way.fault(caller, call, over.resolve));
  planned.resolve();
  const [outcome] = await Promise.allSettled([call]);
  expect(world.steps.taken).toContain(step);
  if (way.late) await over.promise;
  let reply: Reply;
  if (outcome.status === "fulfilled") {
    reply = outcome.value;
  } else {
    expect(outcome.reason).toMatchObject({ code: way.code(step) });
    // The caller may be told before all is undone.
    if (scenario.undoes) await until(() => isDeepStrictEqual(stateOf(world), before));
    await world.settle();
    await scenario.failed?.(world, request);
    if (scenario.repeatable?.(world) === false) return;
    reply = await scenario.call(world, request);
  }
  await scenario.done(world, reply);
  await world.settle();
}

/** What there is of containers and attachments. */
function stateOf(world: World): object {
  return { containers: world.actual(), attached: [...world.network.held] };
}
