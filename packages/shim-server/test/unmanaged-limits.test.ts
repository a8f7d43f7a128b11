import { create } from "@bufbuild/protobuf";
import { type HugepageLimit, HugepageLimitSchema } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import type { ContainerRecord } from "../src/state/records.js";
import type { StoreChange } from "../src/state/store.js";
import { createUnmanagedLimits } from "../src/state/unmanaged-limits.js";

const record = {
  kind: "container",
  id: "c1",
  inspect: { Id: "c1", Name: "/k8s_c_p_n_u_0", Config: { Labels: {} } },
} as unknown as ContainerRecord;

const pages = (pageSize: string, limit: bigint): HugepageLimit =>
  create(HugepageLimitSchema, { pageSize, limit });

function setUp() {
  let notify: (change: StoreChange) => void = () => undefined;
  const limits = createUnmanagedLimits({
    onChange(listener) {
      notify = listener;
      return () => undefined;
    },
  });
  return { limits, notify: (change: StoreChange) => notify(change) };
}

test("changes add up by page size and by file", () => {
  const { limits } = setUp();
  limits.change(record, { hugepageLimits: [pages("2MB", 1n)], unified: { "memory.high": "1" } });
  limits.change(record, { hugepageLimits: [pages("1GB", 2n)], unified: { "memory.high": "2" } });
  limits.change(record, { hugepageLimits: [pages("2MB", 3n)], unified: { "memory.min": "3" } });
  expect(limits.of(record)).toEqual({
    hugepageLimits: [pages("1GB", 2n), pages("2MB", 3n)],
    unified: { "memory.high": "2", "memory.min": "3" },
  });
});

test("an update of other things leaves them as they were created", () => {
  const { limits } = setUp();
  limits.change(record, { hugepageLimits: [], unified: {} });
  expect(limits.changed("c1")).toBeUndefined();
});

test("they go with the container", () => {
  const { limits, notify } = setUp();
  limits.change(record, { hugepageLimits: [pages("2MB", 1n)], unified: {} });
  notify({ id: "c1", before: record, after: record });
  expect(limits.changed("c1")).toBeDefined();
  notify({ id: "c1", before: record, after: undefined });
  expect(limits.changed("c1")).toBeUndefined();
});
