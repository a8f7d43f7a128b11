import { describe, expect, it } from "@jest/globals";
import { systemSpec } from "../node-suite/system-spec.ts";

describe("what the node suite asks of a machine", () => {
  it("is its own list where cpuset is there, and with cgroup v1", () => {
    expect(systemSpec("cpuset cpu io memory hugetlb pids\n")).toBeUndefined();
    expect(systemSpec("")).toBeUndefined();
  });

  it("is all of it but cpuset on a kernel without", () => {
    expect(systemSpec("cpu io memory pids\n")).toMatchObject({
      cgroupsV2: ["cpu", "devices", "freezer", "memory", "pids"],
    });
  });
});
