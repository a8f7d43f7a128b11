import { create } from "@bufbuild/protobuf";
import {
  ContainerFilterSchema,
  ContainerSchema,
  ContainerState,
  PodSandboxFilterSchema,
  PodSandboxSchema,
  PodSandboxState,
} from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import { matchesContainerFilter, matchesPodSandboxFilter } from "../src/index.js";

const labels = { app: "web", empty: "" };
const sandbox = create(PodSandboxSchema, {
  ...{ id: "abc123", state: PodSandboxState.SANDBOX_NOTREADY, labels },
});
const container = create(ContainerSchema, {
  ...{ id: "def456", podSandboxId: "abc123", state: ContainerState.CONTAINER_EXITED, labels },
});

type Filter<Schema extends typeof PodSandboxFilterSchema | typeof ContainerFilterSchema> =
  Parameters<typeof create<Schema>>[1];

const sandboxCases: [Filter<typeof PodSandboxFilterSchema>, boolean][] = [
  [{}, true],
  [{ id: "abc123" }, true],
  [{ id: "abc" }, true],
  [{ id: "bc" }, false],
  [{ id: "abc1234" }, false],
  [{ state: { state: PodSandboxState.SANDBOX_NOTREADY } }, true],
  [{ state: { state: PodSandboxState.SANDBOX_READY } }, false],
  // A state message without a field means its default, which is READY.
  [{ state: {} }, false],
  [{ labelSelector: { app: "web" } }, true],
  [{ labelSelector: { app: "web", empty: "" } }, true],
  [{ labelSelector: { app: "db" } }, false],
  [{ labelSelector: { app: "web", tier: "1" } }, false],
  [{ labelSelector: { missing: "" } }, false],
  [{ labelSelector: { constructor: "" } }, false],
  [{ id: "abc", labelSelector: { app: "db" } }, false],
];

const containerCases: [Filter<typeof ContainerFilterSchema>, boolean][] = [
  [{}, true],
  [{ id: "def" }, true],
  [{ id: "abc" }, false],
  [{ podSandboxId: "abc123" }, true],
  [{ podSandboxId: "ab" }, true],
  [{ podSandboxId: "def" }, false],
  [{ state: { state: ContainerState.CONTAINER_EXITED } }, true],
  [{ state: { state: ContainerState.CONTAINER_RUNNING } }, false],
  [{ labelSelector: { app: "web" } }, true],
  [{ labelSelector: { app: "" } }, false],
];

describe("filters", () => {
  test("let everything pass where there is none", () => {
    expect(matchesPodSandboxFilter(sandbox, undefined)).toBe(true);
    expect(matchesContainerFilter(container, undefined)).toBe(true);
  });

  test.each(sandboxCases)("of sandboxes: %j is %p", (filter, expected) => {
    const message = create(PodSandboxFilterSchema, filter);
    expect(matchesPodSandboxFilter(sandbox, message)).toBe(expected);
  });

  test.each(containerCases)("of containers: %j is %p", (filter, expected) => {
    const message = create(ContainerFilterSchema, filter);
    expect(matchesContainerFilter(container, message)).toBe(expected);
  });
});
