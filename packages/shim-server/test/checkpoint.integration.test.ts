import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDockerClient } from "@dockershim/docker-client";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

let harness: Harness;
let folder: string;

/** What the lab's engine is with LAB_CRIU=1. */
async function isExperimental(): Promise<boolean> {
  const docker = createDockerClient({ endpoint: labVariable("LAB_DOCKER_ENDPOINT") });
  try {
    return (await docker.info()).ExperimentalBuild;
  } finally {
    await docker.close();
  }
}

const experimental = await isExperimental();
const withCriu = experimental ? test : test.skip;

beforeAll(async () => {
  harness = await createHarness();
  folder = mkdtempSync(join(tmpdir(), "checkpoints-"));
});

afterAll(async () => {
  await harness.close();
  rmSync(folder, { recursive: true, force: true });
});

async function exec(containerId: string, ...cmd: string[]): Promise<string> {
  const { stdout } = await harness.cri.runtime.execSync({ containerId, cmd, timeout: 10n });
  return new TextDecoder().decode(stdout);
}

function tar(...args: readonly string[]): string[] {
  return execFileSync("tar", args, { encoding: "utf8" }).split("\n").filter(Boolean);
}

/** Nothing of a checkpoint is left where its parts were collected. */
function expectNoParts(): void {
  expect(readdirSync(join(String(harness.options.rootDir), "checkpoints"))).toEqual([]);
}

(experimental ? test.skip : test)("an engine that is not experimental is the reason", async () => {
  const { containerId } = await harness.runPod();
  const location = join(folder, "refused.tar");
  await expect(
    harness.cri.runtime.checkpointContainer({ containerId, location }),
  ).rejects.toMatchObject({
    code: "UNIMPLEMENTED",
    message: expect.stringContaining('"experimental": true'),
  });
  expect(readdirSync(folder)).toEqual([]);
});

describe("on an experimental engine with CRIU", () => {
  withCriu("a container is archived as it is at one moment, and goes on", async () => {
    const script =
      "echo made >/made; rm /etc/group; rm -r /home; mkdir /home; echo new >/home/in; " +
      "i=0; while :; do i=$((i+1)); echo $i | tee /count; sleep 0.1; done";
    const { containerId } = await harness.runPod({}, { command: ["sh", "-c", script] });
    await until(async () => Number(await exec(containerId, "cat", "/count")) > 2);
    const location = join(folder, "counting.tar");
    await harness.cri.runtime.checkpointContainer({ containerId, location });
    expect(statSync(location).mode & 0o777).toBe(0o600);
    expectNoParts();

    const names = tar("tf", location);
    expect(names.filter((name) => !name.startsWith("checkpoint/"))).toEqual([
      ...["config.dump", "container.log", "deleted.files", "rootfs-diff.tar"],
      ...["spec.dump", "status", "status.dump"],
    ]);
    expect(names).toEqual(
      expect.arrayContaining(["checkpoint/inventory.img", "checkpoint/pstree.img"]),
    );
    const opened = mkdtempSync(join(folder, "opened-"));
    tar("xf", location, "-C", opened);
    const diff = join(opened, "rootfs-diff.tar");
    const changed = tar("tf", diff);
    expect(changed).toEqual(expect.arrayContaining(["made", "etc/.wh.group", "home/in", "count"]));
    expect(changed).not.toContain("bin/sh");
    expect(tar("xOf", diff, "made")).toEqual(["made"]);
    const spec = JSON.parse(readFileSync(join(opened, "spec.dump"), "utf8"));
    expect(spec.process.args).toEqual(["sh", "-c", script]);

    // The files are of the moment of the dump: the log, which is read later, cannot have less.
    const [count] = tar("xOf", diff, "count").map(Number);
    const log = readFileSync(join(opened, "container.log"), "utf8");
    expect(log).toMatch(new RegExp(`^\\S+ stdout F ${count}$`, "m"));
    await until(async () => Number(await exec(containerId, "cat", "/count")) > Number(count) + 2);
  });

  withCriu(
    "one with an established TCP connection is not, for CRIU's reason, and goes on",
    async () => {
      const script =
        "nc -l -p 9999 -e cat & sleep 1; (while :; do echo x; sleep 0.1; done) | nc 127.0.0.1 9999 >/out";
      const { containerId } = await harness.runPod({}, { command: ["sh", "-c", script] });
      const received = async () =>
        Number(await exec(containerId, "sh", "-c", "wc -c </out || echo 0"));
      await until(async () => (await received()) > 0);
      const location = join(folder, "connected.tar");
      await expect(
        harness.cri.runtime.checkpointContainer({ containerId, location }),
      ).rejects.toMatchObject({
        code: "INTERNAL",
        message: expect.stringMatching(/CRIU says: .*Connected TCP socket/),
      });
      const before = await received();
      await until(async () => (await received()) > before);
      expect(readdirSync(folder)).not.toContain("connected.tar");
      expectNoParts();
    },
  );

  withCriu(
    "one that was left standing still by a daemon that was killed goes on with the next",
    async () => {
      const { containerId } = await harness.runPod();
      // As a kill leaves it: the parts are there, the container is paused.
      await harness.stop();
      const parts = join(String(harness.options.rootDir), "checkpoints", containerId, "parts");
      mkdirSync(parts, { recursive: true });
      await harness.docker.containers.pause(containerId);
      await harness.restart();
      await until(async () => !(await harness.docker.containers.inspect(containerId)).State.Paused);
      await until(() => readdirSync(join(parts, "../..")).length === 0);
    },
  );
});
