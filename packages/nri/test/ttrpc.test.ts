import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "@jest/globals";
import { RequestSchema, ResponseSchema } from "../src/gen/ttrpc/request_pb.js";
import { Runtime } from "../src/index.js";
import { NriError } from "../src/nri-error.js";
import { createTtrpcClient } from "../src/ttrpc-client.js";
import { createFrameReader, encodeFrame, type TtrpcFrame } from "../src/ttrpc-frames.js";
import { method, serveTtrpc } from "../src/ttrpc-server.js";
import { linked } from "./linked.js";

const { registerPlugin, updateContainers } = Runtime.method;

test("a call brings the request there and the reply back, many at once, also in another order", async () => {
  const released = Promise.withResolvers<void>();
  const { client } = linked([
    method(updateContainers, async ({ update }) => {
      if (update[0]?.containerId === "slow") await released.promise;
      return { failed: update };
    }),
  ]);
  const done: string[] = [];
  const call = async (containerId: string) => {
    const reply = await client.call(updateContainers, { update: [{ containerId }] }, 60_000);
    done.push(reply.failed[0]?.containerId ?? "");
  };
  const slow = call("slow");
  await call("fast");
  released.resolve();
  await slow;
  expect(done).toEqual(["fast", "slow"]);
});

test("a message of 3 MB arrives whole", async () => {
  const { client } = linked([method(updateContainers, ({ update }) => ({ failed: update }))]);
  const containerId = "x".repeat(3 << 20);
  const { failed } = await client.call(updateContainers, { update: [{ containerId }] }, 60_000);
  expect(failed[0]?.containerId === containerId).toBe(true);
});

test.each([
  ["what a handler throws", new Error("no such thing"), { status: 2, message: "no such thing" }],
  [
    "a status of the handler's choice",
    new NriError("call_failed", "busy", { status: 14 }),
    { status: 14, message: "busy" },
  ],
])("%s is the call's error", async (_what, thrown, expected) => {
  const { client } = linked([
    method(registerPlugin, () => {
      throw thrown;
    }),
  ]);
  const call = client.call(registerPlugin, { pluginName: "x" }, 60_000);
  await expect(call).rejects.toMatchObject({ code: "call_failed", ...expected });
});

test("a method that is not served is UNIMPLEMENTED", async () => {
  const { client } = linked([]);
  await expect(client.call(registerPlugin, {}, 60_000)).rejects.toMatchObject({ status: 12 });
});

test("a call without a reply ends at its time, and its late reply harms nobody", async () => {
  const held = Promise.withResolvers<void>();
  const { client } = linked([
    method(registerPlugin, async ({ pluginName }) => {
      if (pluginName === "held") await held.promise;
      return {};
    }),
  ]);
  await expect(client.call(registerPlugin, { pluginName: "held" }, 20)).rejects.toMatchObject({
    code: "timeout",
    message: "no reply to RegisterPlugin within 20 ms",
  });
  held.resolve();
  await client.call(registerPlugin, { pluginName: "next" }, 60_000);
});

test("the end of the socket fails what is under way and what comes after", async () => {
  const { client, end } = linked([method(registerPlugin, () => new Promise<never>(() => {}))]);
  const call = client.call(registerPlugin, {}, 60_000);
  end();
  await expect(call).rejects.toMatchObject({ code: "closed" });
  await expect(client.call(registerPlugin, {}, 60_000)).rejects.toMatchObject({ code: "closed" });
});

test("a message that is too large is refused before it is sent", async () => {
  const { client } = linked([method(updateContainers, () => ({}))]);
  const update = [{ containerId: "x".repeat(4 << 20) }];
  await expect(client.call(updateContainers, { update }, 60_000)).rejects.toMatchObject({
    code: "message_too_large",
  });
  await client.call(updateContainers, {}, 60_000);
});

test("the caller's time goes out in nanoseconds", () => {
  const sent: Uint8Array[] = [];
  const client = createTtrpcClient((bytes) => sent.push(bytes));
  client.call(registerPlugin, {}, 1500).catch(() => {});
  client.fail(new NriError("closed", "over"));
  const expected = create(RequestSchema, {
    service: "nri.pkg.api.v1alpha1.Runtime",
    method: "RegisterPlugin",
    timeoutNano: 1_500_000_000n,
  });
  expect(sent).toEqual([encodeFrame(1, 1, toBinary(RequestSchema, expected))]);
});

/** What a server answers to raw frames. */
async function answersTo(bytes: Uint8Array, count: number): Promise<TtrpcFrame[]> {
  const frames: TtrpcFrame[] = [];
  const enough = Promise.withResolvers<void>();
  const read = createFrameReader((frame) => {
    frames.push(frame);
    if (frames.length === count) enough.resolve();
  });
  serveTtrpc(read, [method(registerPlugin, () => ({}))])(bytes);
  await enough.promise;
  return frames;
}

const goodRequest = toBinary(
  RequestSchema,
  create(RequestSchema, { service: Runtime.typeName, method: "RegisterPlugin" }),
);

test.each([
  ["an even stream", encodeFrame(2, 1, goodRequest), 3],
  ["a stream of data", encodeFrame(1, 3, goodRequest), 3],
  ["a message that is no message", encodeFrame(1, 1, Buffer.from("\xff\xff")), 3],
  ["a message that is too large", encodeFrame(1, 1, Buffer.alloc((4 << 20) + 1)), 8],
])("%s is refused, and the next call is served", async (_what, bytes, code) => {
  const frames = await answersTo(Buffer.concat([bytes, encodeFrame(3, 1, goodRequest)]), 2);
  const refused = frames.find(({ stream }) => stream !== 3);
  const served = frames.find(({ stream }) => stream === 3);
  const status = toBinary(ResponseSchema, create(ResponseSchema, { status: { code } }));
  // The code is the first field of the first field.
  expect([...(refused?.payload ?? [])].slice(2, 4)).toEqual([...status].slice(2, 4));
  expect(served?.payload).toEqual(Buffer.alloc(0));
});
