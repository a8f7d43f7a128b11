import { expect, it } from "@jest/globals";
import { labConfig } from "../config.ts";
import { engineCgroup } from "../engine.ts";

it("names the engine's cgroup as its driver takes it: systemd's is a slice that lies in no other", () => {
  const folder = { LAB_DIR: "/labs" };
  const cgroup = (driver: string) => engineCgroup(labConfig({ ...folder, LAB_CGROUPS: driver }));
  expect(cgroup("cgroupfs")).toMatch(/^dslab-[0-9a-f]{12}$/);
  expect(cgroup("systemd")).toMatch(/^dslab[0-9a-f]{12}\.slice$/);
});

it("knows no third driver of cgroups", () => {
  expect(() => labConfig({ LAB_CGROUPS: "v2" })).toThrow("choose cgroupfs or systemd");
});
