import { create, toBinary } from "@bufbuild/protobuf";
import { ContainerSchema, StreamContainersResponseSchema } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import { listChunks } from "../src/messages/list-chunks.js";

const container = (id: number, bytes: number) =>
  create(ContainerSchema, { id: String(id), annotations: { big: "x".repeat(bytes) } });

test("an empty list has no message", () => {
  expect([...listChunks(ContainerSchema, [])]).toEqual([]);
});

test("each item comes once, in order, and no message outgrows gRPC's limit", () => {
  const items = Array.from({ length: 500 }, (_, id) => container(id, 256 * 1024));
  const chunks = [...listChunks(ContainerSchema, items)];
  expect(chunks.flat().map(({ id }) => id)).toEqual(items.map(({ id }) => id));
  for (const containers of chunks) {
    expect(containers.length).toBeGreaterThan(0);
    const message = create(StreamContainersResponseSchema, { containers });
    expect(toBinary(StreamContainersResponseSchema, message).length).toBeLessThan(16 << 20);
  }
});
