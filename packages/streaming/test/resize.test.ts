import { PassThrough } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { ResizeQueue, readResizeEvents } from "../src/resize.js";

async function sizesFrom(...chunks: string[]): Promise<unknown[]> {
  const stream = new PassThrough();
  const queue = new ResizeQueue();
  readResizeEvents(stream, queue);
  const sizes: unknown[] = [];
  const reading = (async () => {
    for await (const size of queue) sizes.push(size);
  })();
  for (const chunk of chunks) {
    stream.write(chunk);
    await new Promise(setImmediate);
  }
  stream.end();
  await reading;
  return sizes;
}

describe("readResizeEvents", () => {
  test("reads newline-separated sizes", async () => {
    await expect(
      sizesFrom('{"Width":80,"Height":24}\n', '{"Width":120,"Height":40}\n'),
    ).resolves.toEqual([
      { width: 80, height: 24 },
      { width: 120, height: 40 },
    ]);
  });

  test("reads sizes without newlines, in any case and cut anywhere", async () => {
    await expect(
      sizesFrom('{"width":1,"hei', 'ght":2}', '{"WIDTH": 3, "Height": 4}'),
    ).resolves.toEqual([
      { width: 1, height: 2 },
      { width: 3, height: 4 },
    ]);
  });

  test.each([
    ["text that is not JSON", "nonsense}"],
    ["a size that does not fit 16 bits", '{"Width":65536,"Height":1}'],
    ["a negative size", '{"Width":-1,"Height":1}'],
    ["a missing dimension", '{"Width":1}'],
    ["an endless event", "x".repeat(5000)],
  ])("stops at %s and discards the rest", async (_name, text) => {
    await expect(
      sizesFrom('{"Width":1,"Height":1}', text, '{"Width":2,"Height":2}'),
    ).resolves.toEqual([{ width: 1, height: 1 }]);
  });
});

describe("ResizeQueue", () => {
  test("keeps only the newest size that was not taken", async () => {
    const queue = new ResizeQueue();
    for (let width = 1; width <= 10_000; width++) queue.put({ width, height: 1 });
    queue.end();
    const sizes: unknown[] = [];
    for await (const size of queue) sizes.push(size);
    expect(sizes).toEqual([{ width: 10_000, height: 1 }]);
  });
});
