import { expect, test } from "@jest/globals";
import { adoptLimits } from "../src/engine-work/adopt-limits.js";
import type { KnownEngine } from "../src/state/engine.js";
import type { ContainerRecord } from "../src/state/records.js";
import type { StoreChange } from "../src/state/store.js";
import { createUnmanagedLimits } from "../src/state/unmanaged-limits.js";

const created = { "memory.high": "4096", "io.weight": "200", "memory.min": "0" };
const now = { "memory.high": "8192", "io.weight": "default 200", "memory.min": "0" };

function record(State: object): ContainerRecord {
  const inspect = { Id: "c1", Name: "/k8s_c_p_n_u_0", Config: { Labels: {} }, State };
  return { kind: "container", id: "c1", inspect } as unknown as ContainerRecord;
}

/** A daemon that starts while the container is in that state; `adopted` is what it took over. */
function start(first: ContainerRecord) {
  let listener: (change: StoreChange) => void = () => undefined;
  const limits = createUnmanagedLimits({ onChange: () => () => undefined });
  const adopted: Record<string, string>[] = [];
  adoptLimits({
    store: {
      containers: () => [first],
      onChange(added) {
        listener = added;
        return () => undefined;
      },
    },
    engine: { known: () => ({}) as KnownEngine },
    cgroupLimits: { adopt: () => now },
    unmanagedLimits: {
      of: () => ({ ...limits.of(first), unified: created }),
      change: (_, { unified }) => void adopted.push(unified),
    },
  });
  const become = (after: ContainerRecord) => listener({ id: "c1", before: undefined, after });
  return { adopted, become };
}

test("files with another value than the container was created with are taken as they are", () => {
  const { adopted, become } = start(record({ Status: "running", Pid: 7 }));
  become(record({ Status: "running", Pid: 7 }));
  expect(adopted).toEqual([{ "memory.high": "8192" }]);
});

test("a container that cannot be inspected at first is taken over once it can", () => {
  const { adopted, become } = start(record({ Status: "running", Pid: 0 }));
  expect(adopted).toEqual([]);
  become(record({ Status: "running", Pid: 7 }));
  expect(adopted).toEqual([{ "memory.high": "8192" }]);
});

test("a container that this daemon starts gets its limits from it", () => {
  const { adopted, become } = start(record({ Status: "created", Pid: 0 }));
  become(record({ Status: "running", Pid: 7 }));
  expect(adopted).toEqual([]);
});
