import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { specHookWrapper } from "@dockershim/spec-hook";
import { specHookPrograms } from "@dockershim/spec-hook/program-files";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { labConfig } from "../../../lab/config.ts";
import { down, up } from "../../../lab/up-down.ts";
import { createHarness, type Harness } from "./harness.js";

// The other way to the spec hook, and the only one on engines before 23 and with systemd's cgroup driver: a runtime in
// daemon.json, which an engine reads again at SIGHUP.
// The engine is the test's own, for daemons of other tests would find that runtime too.
const lab = labConfig({ ...process.env, LAB: `${process.env.LAB ?? "test"}-runtime` });
let h: Harness;
const runtime = "spec-hook";

beforeAll(async () => {
  Object.assign(process.env, await up(lab));
  const daemonJson = join(lab.stateDir, "daemon.json");
  const before = readFileSync(daemonJson, "utf8");
  h = await createHarness();
  const path = join(h.dir, specHookWrapper);
  symlinkSync(specHookPrograms[process.arch === "arm64" ? "arm64" : "amd64"], path);
  const config = JSON.parse(before) as { runtimes?: Record<string, unknown> };
  // A lab on systemd's cgroup driver has one already.
  const { dockershim: _, ...others } = config.runtimes ?? {};
  const runtimes = { ...others, [runtime]: { path } };
  writeFileSync(daemonJson, JSON.stringify({ ...config, runtimes }));
  process.kill(Number(readFileSync(lab.pidFile, "utf8")), "SIGHUP");
  await until(async () => (await h.docker.info()).Runtimes?.[runtime] !== undefined);
  await h.restart();
});
afterAll(async () => {
  await h.close();
  await down(lab);
});

test("a runtime in daemon.json completes specs on any engine", async () => {
  expect((await h.cri.runtime.status({})).features?.mountOptions).toBe(true);
  const { containerId } = await h.runPod(
    {},
    { mounts: [{ hostPath: h.dir, containerPath: "/data", mountOptions: ["noexec", "nodev"] }] },
  );
  const { State, HostConfig } = await h.docker.containers.inspect(containerId);
  expect(HostConfig.Runtime).toBe(runtime);
  expect(readFileSync(`/proc/${State.Pid}/mountinfo`, "utf8")).toMatch(
    / \/data rw,(?=\S*nodev)\S*noexec/,
  );
  const { stdout } = await h.cri.runtime.execSync({ containerId, cmd: ["echo", "still runc"] });
  expect(Buffer.from(stdout).toString()).toBe("still runc\n");
  await h.cri.runtime.stopContainer({ containerId, timeout: 0n });
  await h.cri.runtime.removeContainer({ containerId });
});
