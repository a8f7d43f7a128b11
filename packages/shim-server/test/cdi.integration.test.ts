import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

const vendor = `test-${process.pid}.dockershim`;
let harness: Harness;
/** Where the engine looks for devices; undefined where CDI is off, or not there at all. */
let folder: string | undefined;
let made = false;

beforeAll(async () => {
  harness = await createHarness();
  folder = (await harness.docker.info()).CDISpecDirs?.at(-1);
  if (folder === undefined) return;
  made = !existsSync(folder);
  mkdirSync(folder, { recursive: true });
  const edits = {
    env: ["GIVEN=by-cdi"],
    deviceNodes: [{ path: "/dev/given", hostPath: "/dev/null" }],
  };
  const spec = {
    cdiVersion: "0.5.0",
    kind: `${vendor}/thing`,
    devices: [{ name: "one", containerEdits: edits }],
  };
  writeFileSync(join(folder, `${vendor}.json`), JSON.stringify(spec));
});

afterAll(async () => {
  if (folder !== undefined) rmSync(join(folder, `${vendor}.json`));
  if (folder !== undefined && made) rmdirSync(folder);
  await harness.close();
});

test("a container gets what its CDI device says, as DRA drivers have it, or is told why not", async () => {
  // Docker gives the environment of a device to the container's process, and not to those of exec.
  const command = ["sh", "-c", "echo $GIVEN >/seen; exec sleep 3600"];
  const run = harness.runPod({}, { command, CDIDevices: [{ name: `${vendor}/thing=one` }] });
  if (folder === undefined) {
    await expect(run).rejects.toMatchObject({ message: expect.stringMatching(/cdi/i) });
    return;
  }
  const { containerId } = await run;
  const exec = async (...cmd: string[]) => {
    const { stdout } = await harness.cri.runtime.execSync({ containerId, cmd, timeout: 10n });
    return new TextDecoder().decode(stdout);
  };
  await until(async () => (await exec("cat", "/seen")) === "by-cdi\n");
  expect(await exec("sh", "-c", "test -c /dev/given && echo there")).toBe("there\n");
});

test("a CDI device that is unknown is named in the refusal", async () => {
  const run = harness.runPod({}, { CDIDevices: [{ name: `${vendor}/thing=two` }] });
  const reason = folder === undefined ? /cdi/i : /thing=two/;
  await expect(run).rejects.toMatchObject({ message: expect.stringMatching(reason) });
});
