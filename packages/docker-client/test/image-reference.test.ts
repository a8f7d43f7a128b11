import { expect, test } from "@jest/globals";
import { parseImageReference } from "../src/index.js";

const digest = `sha256:${"a".repeat(64)}`;

test.each([
  ["busybox", "busybox", undefined, undefined],
  ["busybox:1.29", "busybox", "1.29", undefined],
  ["127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b", undefined, undefined],
  ["127.0.0.1:5000/a/b:v1", "127.0.0.1:5000/a/b", "v1", undefined],
  [`registry.example/a@${digest}`, "registry.example/a", undefined, digest],
  [`registry.example:5000/a:v1@${digest}`, "registry.example:5000/a", "v1", digest],
  ["a:", "a", "", undefined],
  ["", "", undefined, undefined],
])("%s has the parts %s, %s and %s", (reference, name, tag, parsedDigest) => {
  expect(parseImageReference(reference)).toEqual({ name, tag, digest: parsedDigest });
});
