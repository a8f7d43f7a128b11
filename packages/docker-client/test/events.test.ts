import type { ServerResponse } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type FakeEngine,
  json,
  type SeenRequest,
  startFakeEngine,
  until,
} from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  createDockerClient,
  type DockerClient,
  type EventStreamItem,
  type EventStreamOptions,
} from "../src/index.js";

let engine: FakeEngine;
let client: DockerClient;
let ending: AbortController;

beforeEach(async () => {
  engine = await startFakeEngine();
  client = createDockerClient({ endpoint: engine.endpoint });
  ending = new AbortController();
});

afterEach(async () => {
  ending.abort();
  await client.close();
  await engine.close();
});

interface Subscription {
  seen: SeenRequest;
  response: ServerResponse;
}

/** Lets the test hold each subscription in its hand. */
function subscriptions(): () => Promise<Subscription> {
  const waiting: ((subscription: Subscription) => void)[] = [];
  const arrived: Subscription[] = [];
  engine.handle = (seen, response) => {
    response.flushHeaders();
    const subscription = { seen, response };
    const waiter = waiting.shift();
    if (waiter === undefined) arrived.push(subscription);
    else waiter(subscription);
  };
  return () => {
    const subscription = arrived.shift();
    return subscription === undefined
      ? new Promise((resolve) => waiting.push(resolve))
      : Promise.resolve(subscription);
  };
}

function line(id: string, timeNano: bigint): string {
  return `{"Type":"container","Action":"start","Actor":{"ID":"${id}","Attributes":{}},"time":${timeNano / 1_000_000_000n},"timeNano":${timeNano}}\n`;
}

function open(options: EventStreamOptions = {}): { next(): Promise<string> } {
  const items = client
    .events({ signal: ending.signal, reconnectDelayMs: 1, ...options })
    [Symbol.asyncIterator]();
  return {
    async next() {
      const { value, done } = await items.next();
      return done ? "done" : describeItem(value);
    },
  };
}

function describeItem(item: EventStreamItem): string {
  switch (item.kind) {
    case "connected":
      return item.reconnected ? "reconnected" : "connected";
    case "event":
      return item.event.Actor.ID;
    case "disconnected":
      return `disconnected: ${item.error.code}`;
  }
}

const t = 1_700_000_000_000_000_000n;

describe("the event stream", () => {
  test("announces the connection first, then the events", async () => {
    const next = subscriptions();
    const items = open({ filters: { type: ["container"] } });
    expect(await items.next()).toBe("connected");
    const { seen, response } = await next();
    expect(seen.query.get("filters")).toBe('{"type":["container"]}');
    response.write(line("a", t) + line("b", t + 1n).slice(0, 20));
    expect(await items.next()).toBe("a");
    response.write(line("b", t + 1n).slice(20));
    expect(await items.next()).toBe("b");
  });

  test("asks for events from before its request on, as engines subscribe after their head", async () => {
    const before = Date.now();
    const next = subscriptions();
    await open().next();
    const since = Number((await next()).seen.query.get("since"));
    expect(since).toBeGreaterThanOrEqual(before / 1000);
    expect(since).toBeLessThanOrEqual(Date.now() / 1000);
  });

  test("resumes where it was cut, without losing or repeating an event", async () => {
    const next = subscriptions();
    const items = open({ since: t });
    await items.next();
    const first = await next();
    expect(first.seen.query.get("since")).toBe("1700000000.000000000");
    const late = t + 5_000_000_000n;
    first.response.write(line("a", late) + line("b", late) + line("c", late + 7n));
    expect([await items.next(), await items.next(), await items.next()]).toEqual(["a", "b", "c"]);
    first.response.destroy();
    expect(await items.next()).toBe("disconnected: unavailable");
    expect(await items.next()).toBe("reconnected");
    const second = await next();
    // One second earlier than the last event: one with an earlier stamp may have come after it.
    expect(second.seen.query.get("since")).toBe("1700000004.000000007");
    second.response.write(
      line("a", late) +
        line("b", late) +
        line("between", late + 3n) +
        line("c", late + 7n) +
        line("d", late + 9n),
    );
    expect([await items.next(), await items.next()]).toEqual(["between", "d"]);
  });

  test("starts again from the given time when it is cut before the first event", async () => {
    const next = subscriptions();
    const items = open({ since: t });
    await items.next();
    (await next()).response.destroy();
    expect([await items.next(), await items.next()]).toEqual([
      "disconnected: unavailable",
      "reconnected",
    ]);
    expect((await next()).seen.query.get("since")).toBe("1700000000.000000000");
  });

  test("drops half a line that the cut left", async () => {
    const next = subscriptions();
    const items = open();
    await items.next();
    const first = await next();
    first.response.write(line("a", t).slice(0, 30), () => first.response.destroy());
    expect(await items.next()).toBe("disconnected: unavailable");
    expect(await items.next()).toBe("reconnected");
    (await next()).response.write(line("a", t));
    expect(await items.next()).toBe("a");
  });

  test("reconnects when the engine ends the stream properly", async () => {
    const next = subscriptions();
    const items = open();
    await items.next();
    (await next()).response.end();
    expect(await items.next()).toBe("disconnected: unavailable");
    expect(await items.next()).toBe("reconnected");
  });

  test("tells one outage once, however many attempts it takes", async () => {
    let attempts = 0;
    engine.handle = (_seen, response) => {
      if (++attempts <= 4) json(response, 503, { message: "starting" });
      else response.flushHeaders();
    };
    const items = open();
    expect(await items.next()).toBe("disconnected: unavailable");
    expect(await items.next()).toBe("connected");
    expect(attempts).toBe(5);
  });

  test("fails at once on a filter that the engine refuses", async () => {
    engine.handle = (_seen, response) => json(response, 400, { message: "invalid filter 'x'" });
    await expect(open({ filters: { x: ["y"] } }).next()).rejects.toMatchObject({
      code: "invalid_argument",
      engineMessage: "invalid filter 'x'",
    });
  });

  test("goes on when an engine refuses later what it had taken", async () => {
    let attempts = 0;
    engine.handle = (_seen, response) => {
      if (++attempts === 2) json(response, 400, { message: "client version 1.51 is too new" });
      else response.flushHeaders();
      if (attempts === 1) response.destroy();
    };
    const items = open();
    expect(await items.next()).toBe("connected");
    expect(await items.next()).toBe("disconnected: unavailable");
    expect(await items.next()).toBe("reconnected");
    expect(attempts).toBe(3);
  });

  test("skips a line that is no event", async () => {
    const next = subscriptions();
    const items = open();
    await items.next();
    (await next()).response.write(`{"nonsense":1}\n${line("a", t)}`);
    expect(await items.next()).toBe("a");
  });
});

describe("an event of an image with megabytes of labels", () => {
  function longLine(id: string, timeNano: bigint, mib: number = 5): string {
    const big = `"big":"${"x".repeat(mib * 1024 * 1024)}"`;
    return line(id, timeNano).replace('"Attributes":{}', `"Attributes":{${big},"name":"n"}`);
  }

  test("is told abridged, and the stream goes on", async () => {
    const next = subscriptions();
    const items = client.events({ signal: ending.signal })[Symbol.asyncIterator]();
    await items.next();
    const { response } = await next();
    response.write(longLine("long", t) + line("after", t + 1n));
    expect((await items.next()).value).toEqual({
      kind: "event",
      event: {
        Type: "container",
        Action: "start",
        Actor: { ID: "long", Attributes: { name: "n" } },
        time: 1_700_000_000,
        timeNano: t,
        abridged: true,
      },
    });
    expect((await items.next()).value).toMatchObject({ event: { Actor: { ID: "after" } } });
    expect(engine.requests.filter(({ path }) => path === "/events")).toHaveLength(1);
  });

  test("is not repeated when a new connection replays it, and moves the resumption on", async () => {
    const next = subscriptions();
    const items = open({ since: t });
    await items.next();
    const first = await next();
    const late = t + 60_000_000_000n;
    first.response.write(longLine("long", late));
    expect(await items.next()).toBe("long");
    first.response.destroy();
    expect([await items.next(), await items.next()]).toEqual([
      "disconnected: unavailable",
      "reconnected",
    ]);
    const second = await next();
    expect(second.seen.query.get("since")).toBe("1700000059.000000000");
    second.response.write(longLine("long", late) + line("after", late + 1n));
    expect(await items.next()).toBe("after");
  });

  test("leaves nothing of its labels in memory, nor do forty", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const next = subscriptions();
    const items = open();
    await items.next();
    const { response } = await next();
    const used = (): number => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return (heapUsed + external) / 2 ** 20;
    };
    const before = used();
    for (let i = 0; i < 40; i++) {
      response.write(longLine(`e${i}`, t + BigInt(i), 3));
      expect(await items.next()).toBe(`e${i}`);
    }
    // Buffers are given back a moment after they were collected; what is kept never is.
    await until(() => used() - before < 20);
  });
});

describe("a slow consumer", () => {
  test("gets what fits into 16 MiB, and is told when more came", async () => {
    const next = subscriptions();
    const items = open();
    await items.next();
    const first = await next();
    for (let i = 0; i < 300; i++) {
      const label = `"Attributes":{"label":"${"x".repeat(100 * 1024)}"}`;
      first.response.write(line(`e${i}`, t + BigInt(i)).replace('"Attributes":{}', label));
    }
    await until(() => first.response.destroyed, { deadlineMs: 10_000 });
    let events = 0;
    while ((await items.next()) === `e${events}`) events++;
    expect(events).toBeGreaterThan(150);
    expect(events).toBeLessThan(170);
    expect(await items.next()).toBe("reconnected");
  });

  test("gets all events that fit, and is told when more came", async () => {
    const next = subscriptions();
    const items = open({ maxBufferedEvents: 3 });
    await items.next();
    const first = await next();
    const cut = new Promise<void>((resolve) => first.response.on("close", resolve));
    first.response.write([1n, 2n, 3n, 4n, 5n].map((i) => line(`e${i}`, t + i)).join(""));
    await cut;
    const seen = [];
    for (let i = 0; i < 7; i++) seen.push(await items.next());
    expect(seen).toEqual([
      "e1",
      "e2",
      "e3",
      "e4",
      "e5",
      "disconnected: unavailable",
      "reconnected",
    ]);
  });
});

describe("an idle stream", () => {
  test("stays while the engine answers pings", async () => {
    const next = subscriptions();
    const items = open({ idleCheckMs: 5 });
    await items.next();
    const { response } = await next();
    for (let i = 0; i < 3; i++) await engine.nextRequest(/^\/_ping$/);
    response.write(line("a", t));
    expect(await items.next()).toBe("a");
  });

  test("counts as broken when the engine does not answer a ping", async () => {
    engine.mutePing = true;
    const next = subscriptions();
    const items = open({ idleCheckMs: 5, idleCheckTimeoutMs: 20 });
    await items.next();
    const { response } = await next();
    const cut = new Promise<void>((resolve) => response.on("close", resolve));
    expect(await items.next()).toBe("disconnected: unavailable");
    await cut;
    expect(await items.next()).toBe("reconnected");
  });
});

describe("the end of the stream", () => {
  test("comes with the signal while it waits for an event, and frees the connection", async () => {
    const next = subscriptions();
    const items = open();
    await items.next();
    const { response } = await next();
    const cut = new Promise<void>((resolve) => response.on("close", resolve));
    const waiting = items.next();
    ending.abort();
    expect(await waiting).toBe("done");
    await cut;
  });

  test("comes with the signal while it waits to connect again", async () => {
    engine.handle = (_seen, response) => json(response, 503, { message: "starting" });
    const items = open({ reconnectDelayMs: 60_000, maxReconnectDelayMs: 60_000 });
    expect(await items.next()).toBe("disconnected: unavailable");
    const waiting = items.next();
    ending.abort();
    expect(await waiting).toBe("done");
  });

  test("is immediate for a signal that is aborted already", async () => {
    ending.abort();
    expect(await open().next()).toBe("done");
    expect(engine.requests).toHaveLength(0);
  });

  test("comes with leaving the loop, and frees the connection", async () => {
    const next = subscriptions();
    for await (const item of client.events()) {
      expect(item.kind).toBe("connected");
      break;
    }
    const { response } = await next();
    if (!response.destroyed) await new Promise<void>((resolve) => response.on("close", resolve));
  });

  test("is an error with code canceled when the client is closed", async () => {
    const next = subscriptions();
    const items = open();
    await items.next();
    await next();
    const waiting = items.next();
    waiting.catch(() => undefined);
    await client.close();
    await expect(waiting).rejects.toMatchObject({ code: "canceled" });
  });
});
