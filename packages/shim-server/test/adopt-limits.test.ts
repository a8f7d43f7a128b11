import type { EngineFacts } from "@dockershim/pod-sandbox";
import { expect, test } from "@jest/globals";
import { adoptLimits } from "../src/engine-work/adopt-limits.js";
import type { ContainerRecord } from "../src/state/records.js";
import { createUnmanagedLimits } from "../src/state/unmanaged-limits.js";

test("files that have another value than the container was created with are taken as they are", () => {
  const inspect = { Id: "c1", Name: "/k8s_c_p_n_u_0", Config: { Labels: {} } };
  const record = { kind: "container", id: "c1", inspect } as unknown as ContainerRecord;
  const created = { "memory.high": "4096", "io.weight": "200", "memory.min": "0" };
  const changes = createUnmanagedLimits({ onChange: () => () => undefined });
  changes.change(record, { hugepageLimits: [], unified: created });
  const recorded: Record<string, string>[] = [];
  adoptLimits(
    {
      store: { containers: () => [record] },
      cgroupLimits: {
        adopt: () => ({ "memory.high": "8192", "io.weight": "default 200", "memory.min": "0" }),
      },
      unmanagedLimits: {
        of: changes.of,
        change(changed, limits) {
          recorded.push(limits.unified);
          changes.change(changed, limits);
        },
      },
    },
    {} as EngineFacts,
  );
  expect(recorded).toEqual([{ "memory.high": "8192" }]);
  expect(changes.of(record).unified).toEqual({ ...created, "memory.high": "8192" });
});
