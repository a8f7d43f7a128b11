import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { labFlags, labVariable, startDaemon, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runBin, startBin } from "./dockershim-bin.js";

interface Report {
  readonly checks: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly reason: string;
  }[];
  readonly counts: Readonly<Record<string, number>>;
}

const lab = labFlags({
  LAB_DOCKER_ENDPOINT: labVariable("LAB_DOCKER_ENDPOINT"),
  LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
  LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
});
const onLab = Object.entries(lab).map(([flag, value]) => `--${flag}=${value}`);

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-check-"));
});
afterAll(() => rm(dir, { recursive: true }));

/** Checks the machine; what it lacks of a node of Kubernetes is not the lab's to mend. */
async function check(...args: string[]): Promise<Report> {
  const { stdout, stderr, code } = await runBin(["check", "-o", "json", ...args]);
  expect(stderr).toBe("");
  const report: Report = JSON.parse(stdout);
  expect(code).toBe((report.counts.fail ?? 0) > 0 ? 1 : 0);
  return report;
}

const verdicts = ({ checks }: Report, ...names: string[]) =>
  Object.fromEntries(
    checks.filter(({ name }) => names.includes(name)).map(({ name, verdict }) => [name, verdict]),
  );

/** What plugins have left of a check: leases and rules. Bridge and lease folder stay; other tests' leases come and go. */
async function networkRemains(): Promise<{ leases: string[]; rules: string[] }> {
  const folder = join(labVariable("LAB_CNI_CONF_DIR"), "..");
  const files = (await readdir(folder, { recursive: true })).filter((name) =>
    /\/\d+\.\d+\.\d+\.\d+$/.test(name),
  );
  const isOurs = async (file: string) =>
    (await readFile(join(folder, file), "utf8").catch(() => "")).startsWith("dockershim-check-");
  const ours = await Promise.all(files.map(isOurs));
  const rules = await text(spawn("iptables-save", { stdio: ["ignore", "pipe", "ignore"] }).stdout);
  return {
    leases: files.filter((_, index) => ours[index]),
    rules: rules.split("\n").filter((line) => line.includes("dockershim-check")),
  };
}

test("before the daemon runs, the options that it would have are judged", async () => {
  const report = await check(...onLab, "--root-dir", join(dir, "none"));
  expect(
    verdicts(
      report,
      "engine",
      "engine-version",
      "runtime",
      "socket",
      "root-dir",
      "cni",
      "cni-deep",
    ),
  ).toEqual({
    engine: "ok",
    "engine-version": "ok",
    runtime: "skip",
    socket: "skip",
    "root-dir": "skip",
    cni: "ok",
    "cni-deep": "skip",
  });
});

test("--deep runs the plugins for real and leaves nothing behind", async () => {
  const report = await check(
    ...onLab,
    "--root-dir",
    join(dir, "none"),
    "--deep",
    "--only",
    "cni-deep",
  );
  expect(report.checks).toEqual([
    expect.objectContaining({
      verdict: "ok",
      reason: expect.stringMatching(/^ADD, CHECK and DEL in \d+ ms; \S+ was given/),
    }),
  ]);
  expect(await networkRemains()).toEqual({ leases: [], rules: [] });
});

test("--deep that is interrupted takes down what it has made", async () => {
  // A plugin that tells when it is asked for something, and takes its time with ADD.
  const plugins = join(dir, "plugins");
  const told = join(dir, "told");
  await mkdir(plugins);
  const lab = labVariable("LAB_CNI_BIN_DIR");
  for (const name of ["bridge", "host-local", "portmap"]) {
    const slow = name === "portmap" ? 'if [ "$CNI_COMMAND" = ADD ]; then sleep 7203; fi' : "";
    const script = `#!/bin/sh\necho ${name} $CNI_COMMAND >> ${told}\n${slow}\nCNI_PATH=${lab} exec ${lab}/${name}\n`;
    await writeFile(join(plugins, name), script, { mode: 0o755 });
  }
  const flags = onLab.filter((flag) => !flag.startsWith("--cni-bin-dir"));
  const child = startBin(["check", "--deep", ...flags, "--cni-bin-dir", plugins]);
  const ended = Promise.all([text(child.stderr), once(child, "close")]);
  await until(async () => (await readFile(told, "utf8").catch(() => "")).includes("portmap ADD"));
  child.kill("SIGINT");
  const [stderr, [code]] = await ended;
  expect({ stderr, code }).toEqual({ stderr: "dockershim: ended by SIGINT\n", code: 1 });
  expect((await readFile(told, "utf8")).trim().split("\n")).toContain("bridge DEL");
  expect(await networkRemains()).toEqual({ leases: [], rules: [] });
});

test("while the daemon runs, its own options are judged", async () => {
  const endpoint = `unix://${join(dir, "cri.sock")}`;
  const daemon = await startDaemon({
    listen: endpoint,
    flags: { ...lab, "root-dir": join(dir, "root") },
  });
  try {
    const report = await check("-r", endpoint);
    expect(
      verdicts(report, "runtime", "config", "socket", "root-dir", "cni", "hung-reads", "addresses"),
    ).toEqual({
      runtime: "ok",
      config: "ok",
      socket: "ok",
      "root-dir": "ok",
      cni: "ok",
      "hung-reads": "ok",
      addresses: "ok",
    });
    expect(report.checks.find(({ name }) => name === "config")?.reason).toBe(
      "options of the daemon that runs",
    );
  } finally {
    await daemon.stop();
  }
});

test("an engine that does not answer fails the check", async () => {
  const { stdout, code } = await runBin([
    "check",
    "-q",
    "--docker-endpoint",
    "unix:///nonexistent/d.sock",
  ]);
  expect(stdout).toMatch(/ {2}fail {2}engine +Docker does not answer/);
  expect(code).toBe(1);
});

test("a check that there is not is wrong usage", async () => {
  const { stderr, code } = await runBin(["check", "--only", "engin"]);
  expect(stderr).toMatch(/^dockershim: --only: there is no check "engin"; there are engine, /);
  expect(code).toBe(2);
});
