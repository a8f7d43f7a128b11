import { Duplex, PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import { splice } from "../src/streaming/splice.js";

/** Two ends of a connection, each with its own half-close. */
function connection(): [Duplex, Duplex] {
  const forth = new PassThrough();
  const back = new PassThrough();
  const ends: [Duplex, Duplex] = [
    Duplex.from({ readable: back, writable: forth }),
    Duplex.from({ readable: forth, writable: back }),
  ];
  for (const stream of [...ends, forth, back]) stream.on("error", () => undefined);
  return ends;
}

async function text(stream: Duplex): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += String(chunk);
  return all;
}

test("both directions are copied, and each is half-closed by itself", async () => {
  const [outerClient, client] = connection();
  const [pod, outerPod] = connection();
  const done = splice(client, pod);
  outerClient.end("question");
  expect(await text(outerPod)).toBe("question");
  outerPod.end("answer");
  expect(await text(outerClient)).toBe("answer");
  await done;
  expect(pod.destroyed).toBe(true);
});

test("after the end of one direction a silent other one is not waited for longer than that", async () => {
  const [outerClient, client] = connection();
  const [pod, outerPod] = connection();
  const done = splice(client, pod, 20);
  outerPod.resume();
  outerClient.end("bye");
  await done;
  expect(pod.destroyed).toBe(true);
});

test("an error of either side ends both", async () => {
  const [, client] = connection();
  const [pod] = connection();
  const done = splice(client, pod);
  const closed = new Promise((resolve) => pod.once("close", resolve));
  client.destroy(new Error("reset"));
  await expect(done).rejects.toThrow("reset");
  await closed;
});
