import { setTimeout as delay } from "node:timers/promises";
import {
  type EngineProxy,
  type EngineReply,
  type HeldRequest,
  startEngineProxy,
} from "../engine-proxy.js";

/** What goes wrong between a daemon and its engine, without anybody being told what is not so. */
export const truthfulFaults = [
  /** It does not reach the engine, and the connection breaks. */
  "refused",
  /** It is done, and the connection breaks in the middle of the reply. */
  "cut",
  /** It waits before it reaches the engine. */
  "late",
  /** The engine says that it failed, and it has not been done. */
  "error",
] as const;

/** What tells the daemon other than what is so. */
export const lies = [
  /** It is done, and the connection breaks before a reply. */
  "lost",
  /** The engine says that it has no such thing, whatever it was asked. */
  "missing",
  /** It is done twice, and the second reply is passed back. */
  "doubled",
  /** It is done, and the reply is an object with nothing in it. */
  "hollow",
] as const;

export type Fault = (typeof truthfulFaults)[number] | (typeof lies)[number];

/** What the engine is said to have said. */
export const faultWords = "a fault of this test";

/** A fault that was met, and by what. */
export interface MetFault {
  readonly fault: Fault;
  readonly shape: string;
}

/** Stands between a daemon and the engine, and has requests go wrong as planned. */
export interface FaultProxy extends EngineProxy {
  /** Faults that requests met since the last {@link FaultProxy.plan}. */
  readonly met: readonly MetFault[];
  /** Counts requests anew, and has those of these numbers meet a fault, or something be done as they come. */
  plan(plans: ReadonlyMap<number, Fault | (() => void)>): void;
  /** Breaks the connection on which events come, so that the daemon reads everything anew. */
  cutEvents(): void;
}

/** @param lateMs How late a late request is, in ms. */
export async function startFaultProxy(
  engine: string,
  socket: string,
  lateMs: number,
): Promise<FaultProxy> {
  let plans: ReadonlyMap<number, Fault | (() => void)> = new Map();
  let met: MetFault[] = [];
  let count = 0;
  const events = new Set<HeldRequest>();

  function handle(held: HeldRequest): void {
    if (held.shape.endsWith("/events")) events.add(held);
    const planned = plans.get(count++);
    if (typeof planned === "function") planned();
    if (planned === undefined || typeof planned === "function") {
      held.pass();
      return;
    }
    met.push({ fault: planned, shape: held.shape });
    // The engine may go while it is asked.
    meet(held, planned).catch(() => held.drop());
  }

  async function meet(held: HeldRequest, fault: Fault): Promise<void> {
    switch (fault) {
      case "refused":
        return held.drop();
      case "late":
        await delay(lateMs);
        return held.pass();
      case "error":
        return held.answer(refusal(500, faultWords));
      case "missing":
        return held.answer(refusal(404, `No such thing: ${faultWords}`));
      default:
        return held.endless ? held.drop() : await distort(held, fault);
    }
  }

  const proxy = await startEngineProxy(engine, socket, handle);
  return {
    ...proxy,
    get met() {
      return met;
    },
    plan(next) {
      plans = next;
      met = [];
      count = 0;
    },
    cutEvents() {
      for (const held of events) held.drop();
      events.clear();
    },
  };
}

async function distort(
  held: HeldRequest,
  fault: "cut" | "lost" | "doubled" | "hollow",
): Promise<void> {
  const reply = await held.ask();
  switch (fault) {
    case "cut":
      return reply.body.length === 0
        ? held.drop()
        : held.answer(reply, Math.floor(reply.body.length / 2));
    case "lost":
      return held.drop();
    case "doubled":
      return held.answer(await held.ask());
    default:
      return held.answer(reply.body.length === 0 ? reply : { ...reply, body: Buffer.from("{}") });
  }
}

function refusal(status: number, message: string): EngineReply {
  const body = Buffer.from(JSON.stringify({ message }));
  return { status, headers: { "content-type": "application/json" }, body };
}
