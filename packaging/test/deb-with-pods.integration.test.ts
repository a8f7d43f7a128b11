import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { createCriClient } from "@dockershim/cri-client";
import { type Daemon, labFlags, labVariable, startDaemon } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { labConfig } from "../../lab/config.ts";
import { findGo } from "../../lab/go-programs.ts";
import { addText, staticBusyboxRoot } from "../../lab/rootfs.ts";
import { hostArchitecture } from "../architecture.ts";
import { bundleProgram } from "../bundle.ts";
import { makeExecutable } from "../executable.ts";
import { flavours } from "../flavour.ts";
import { makeSystemPackage } from "../system-package.ts";
import { sampleContent } from "./sample-content.ts";
import { addSystemdStandIn, systemdCalls } from "./systemd-stand-in.ts";

// What dpkg does to the program of a daemon that runs, with a pod on a real engine. The root file system is the
// package's own; in systemd's place this test does what the package's scripts ask for.

const run = promisify(execFile);
// nfpm, which makes the packages, is built from source.
const withGo = (await findGo()) !== undefined;

let scratch: string;
let root: string;
let daemon: Daemon | undefined;
const packages = new Map<string, string>();

beforeAll(async () => {
  if (!withGo) return;
  scratch = mkdtempSync(join(tmpdir(), "deb-with-pods-"));
  root = join(scratch, "root");
  const { cacheDir } = labConfig();
  const architecture = hostArchitecture();
  const bundle = await bundleProgram(resolve(import.meta.dirname, "../.."));
  const executable = await makeExecutable(bundle, architecture, join(scratch, "made"), cacheDir);
  const [flavour] = flavours;
  if (flavour === undefined) throw new Error("there is no package");
  for (const version of ["1.0.0", "1.1.0"]) {
    const content = { ...sampleContent(version), executable };
    const order = { kind: "deb", flavour, architecture, content, compression: "none" } as const;
    packages.set(version, await makeSystemPackage(order, scratch, cacheDir));
  }
  await staticBusyboxRoot(root);
  mkdirSync(join(root, "var/lib/dpkg/info"), { recursive: true });
  addText(root, "var/lib/dpkg/status", "");
  addSystemdStandIn(root);
});
afterAll(async () => {
  await daemon?.stop();
  if (withGo) rmSync(scratch, { recursive: true });
});

/** Runs dpkg on the root, then does with the daemon what the package's scripts asked of systemd. */
async function dpkg(...args: readonly string[]): Promise<void> {
  addText(root, systemdCalls, "");
  const env = { PATH: `/bin:${process.env.PATH}`, DEBIAN_FRONTEND: "noninteractive" };
  await run("dpkg", [`--root=${root}`, "--force-depends", ...args], { env });
  for (const call of readFileSync(join(root, systemdCalls), "utf8").split("\n")) {
    const [, verb] = /^deb-systemd-invoke (\S+) .*dockershim\.service/.exec(call) ?? [];
    if (verb === undefined) continue;
    const ran = daemon !== undefined;
    await daemon?.stop();
    daemon = undefined;
    if (verb === "start" || (verb === "try-restart" && ran)) await start();
  }
}

async function start(): Promise<void> {
  daemon = await startDaemon({
    executable: join(root, "usr/bin/dockershim"),
    listen: `unix://${join(scratch, "dockershim.sock")}`,
    flags: {
      "root-dir": join(root, "var/lib/dockershim"),
      ...labFlags({
        LAB_DOCKER_ENDPOINT: labVariable("LAB_DOCKER_ENDPOINT"),
        LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
        LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
      }),
    },
  });
}

(withGo ? test : test.skip)(
  "a pod runs on through an upgrade, a downgrade and a removal",
  async () => {
    const install = (version: string): Promise<void> =>
      dpkg("--install", packages.get(version) ?? "");
    await install("1.0.0");
    const endpoint = daemon?.endpoint ?? "";
    const cri = createCriClient({ endpoint });
    const { runtime } = cri;
    const sandboxConfig = {
      metadata: { name: "upgraded", namespace: "default", uid: "upgraded-1", attempt: 0 },
      linux: {},
    };
    const { podSandboxId } = await runtime.runPodSandbox({ config: sandboxConfig });
    try {
      const { containerId } = await runtime.createContainer({
        podSandboxId,
        sandboxConfig,
        config: {
          metadata: { name: "main", attempt: 0 },
          image: { image: labVariable("LAB_IMAGE") },
          command: ["sleep", "3600"],
          linux: {},
        },
      });
      await runtime.startContainer({ containerId });
      const look = async () => {
        const { status, info } = await runtime.containerStatus({ containerId, verbose: true });
        const sandbox = await runtime.podSandboxStatus({ podSandboxId });
        const { pid } = JSON.parse(info.info ?? "{}");
        return { state: status?.state, pid, ip: sandbox.status?.network?.ip };
      };
      const before = await look();
      expect(before.pid).toBeGreaterThan(0);
      expect(before.ip).toMatch(/^\d/);

      for (const version of ["1.1.0", "1.0.0"]) {
        const old = daemon?.pid;
        await install(version);
        expect(daemon?.pid).not.toBe(old);
        expect(await look()).toEqual(before);
        const { stdout } = await run("dpkg-query", [
          ...[`--root=${root}`, "--show", "--showformat", `\${Version}`, "dockershim"],
        ]);
        expect(stdout).toBe(version);
      }

      await dpkg("--remove", "dockershim");
      expect(daemon).toBeUndefined();
      // Kill with signal 0 throws where there is no such process.
      process.kill(before.pid, 0);

      await install("1.1.0");
      expect(await look()).toEqual(before);
    } finally {
      if (daemon === undefined) await start();
      await runtime.stopPodSandbox({ podSandboxId });
      await runtime.removePodSandbox({ podSandboxId });
      cri.close();
    }
    await dpkg("--purge", "dockershim");
    expect(daemon).toBeUndefined();
  },
);
