import { expect, test } from "@jest/globals";
import { splitReference } from "../src/image-reference.js";

const digest = `sha256:${"a".repeat(64)}`;

test.each([
  ["busybox", "busybox", "latest"],
  ["busybox:1.29", "busybox", "1.29"],
  ["127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b", "latest"],
  ["127.0.0.1:5000/a/b:v1", "127.0.0.1:5000/a/b", "v1"],
  [`registry.example/a@${digest}`, "registry.example/a", digest],
  [`registry.example:5000/a:v1@${digest}`, "registry.example:5000/a", digest],
])("%s is pulled as %s and %s", (reference, name, tag) => {
  expect(splitReference(reference)).toEqual({ name, tag });
});
