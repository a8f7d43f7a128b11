import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiAtLeast } from "@dockershim/pod-sandbox";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import { labConfig } from "../../../lab/config.ts";
import { down, up } from "../../../lab/up-down.ts";
import { createHarness, type Harness } from "./harness.js";

// `systemctl reload docker` sends SIGHUP, on which the engine reads its daemon.json again. It is the
// test's own, for what changes in it would reach other tests' daemons too.
const lab = labConfig({ ...process.env, LAB: `${process.env.LAB ?? "test"}-reload` });
const daemonJson = join(lab.stateDir, "daemon.json");
let h: Harness;
let before: string;
const logged: string[] = [];

function reloadEngine(changes: object): void {
  writeFileSync(daemonJson, JSON.stringify({ ...JSON.parse(before), ...changes }));
  process.kill(Number(readFileSync(lab.pidFile, "utf8")), "SIGHUP");
}

beforeAll(async () => {
  Object.assign(process.env, await up(lab));
  before = readFileSync(daemonJson, "utf8");
  const log = pino({ level: "warn" }, { write: (line) => void logged.push(line) });
  h = await createHarness({}, log);
});
afterAll(async () => {
  await h.close();
  await down(lab);
});

test("a runtime that is added to the engine's configuration serves pods without a restart", async () => {
  const handlers = async (): Promise<string[]> =>
    (await h.cri.runtime.status({})).runtimeHandlers.map(({ name }) => name);
  const added = "added";
  const sandbox = { config: h.sandboxConfig(), runtimeHandler: added };
  await expect(h.cri.runtime.runPodSandbox(sandbox)).rejects.toThrow(added);

  const { runtimes } = JSON.parse(before) as { runtimes?: object };
  const { Runtimes: known, DefaultRuntime: usual } = await h.docker.info();
  const path = known?.[usual]?.path ?? "runc";
  reloadEngine({ runtimes: { ...runtimes, [added]: { path } } });
  await until(async () => (await handlers()).includes(added));
  const { podSandboxId } = await h.cri.runtime.runPodSandbox(sandbox);
  expect((await h.cri.runtime.podSandboxStatus({ podSandboxId })).status?.runtimeHandler).toBe(
    added,
  );
});

const hasNri = apiAtLeast(labVariable("LAB_DOCKER_VERSION"), "29.2");

(hasNri ? test : test.skip)(
  "an engine with NRI of its own is warned of, where ours is on",
  async () => {
    const folder = join(h.dir, "engine-nri");
    mkdirSync(folder);
    const options = {
      enable: true,
      "plugin-path": folder,
      "plugin-config-path": folder,
      "socket-path": join(h.dir, "engine-nri.sock"),
    };
    const warnings = () => logged.filter((line) => line.includes("the engine's own NRI is on too"));
    reloadEngine({ "nri-opts": options });
    await until(async () => ((await h.docker.info()).NRI?.Info ?? []).length > 0);
    await h.restart();
    expect(warnings()).toEqual([]);
    await h.restart({ nriSocket: join(h.dir, "nri.sock"), nriPluginDir: join(h.dir, "none") });
    const [warning = "{}"] = warnings();
    expect(JSON.parse(warning)).toMatchObject({
      level: 40,
      engine: { "socket-path": options["socket-path"] },
      hint: expect.stringContaining("nri-opts"),
    });
    await h.runPod();
    reloadEngine({ "nri-opts": { enable: false } });
    await until(async () => (await h.docker.info()).NRI == null);
  },
);

test("the verbose status shows the engine as it is now", async () => {
  const systemTime = async (): Promise<number> => {
    const { info } = await h.cri.runtime.status({ verbose: true });
    const { engine } = JSON.parse(info.info ?? "{}") as { engine: { SystemTime: string } };
    return Date.parse(engine.SystemTime);
  };
  // Nothing else of the engine changes between two calls.
  const first = await systemTime();
  await until(async () => (await systemTime()) > first);
});
