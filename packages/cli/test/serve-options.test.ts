import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultShimOptions } from "@dockershim/shim-server";
import { afterAll, describe, expect, test } from "@jest/globals";
import { Command } from "commander";
import { readConfigFile } from "../src/config-file.js";
import { defaultEndpoint } from "../src/runtime-options.js";
import { addServeOptions, optionsFromFile, optionsFromFlags } from "../src/serve-options.js";

function parseFlags(...args: string[]) {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addServeOptions(command, defaultShimOptions);
  return optionsFromFlags(command.parse(args, { from: "user" }).opts());
}

describe("flags", () => {
  test("not given leave the option to the file or the default", () => {
    expect(parseFlags()).toEqual({});
  });

  test("there is one for every option of the daemon", () => {
    const values: Record<string, string> = {
      networkPlugin: "none",
      logLevel: "debug",
      logMode: "cri",
      restrictOomScoreAdj: "false",
      imagePullProgressDeadlineMs: "90s",
      runtimeRequestTimeoutMs: "4m",
      adoptUnlabelled: "false",
    };
    const args = Object.keys(defaultShimOptions).map((key) => {
      const flag = key
        .replace(/Ms$/, "")
        .replace(/Dirs$/, "Dir")
        .replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      return `--${flag}=${values[key] ?? "x"}`;
    });
    expect(parseFlags(...args)).toEqual({
      listen: "x",
      dockerEndpoint: "x",
      cniConfDir: "x",
      cniBinDirs: ["x"],
      cniCacheDir: "x",
      networkPlugin: "none",
      podCidr: "x",
      rootDir: "x",
      podInfraContainerImage: "x",
      streamingBindAddr: "x",
      metricsBindAddr: "x",
      tracingEndpoint: "x",
      logLevel: "debug",
      logMode: "cri",
      restrictOomScoreAdj: "false",
      imagePullProgressDeadlineMs: 90_000,
      runtimeRequestTimeoutMs: 240_000,
      adoptUnlabelled: false,
    });
  });

  test("of plugin folders add up, repeated or separated by commas", () => {
    expect(parseFlags("--cni-bin-dir", "/a,/b", "--cni-bin-dir", "/c")).toEqual({
      cniBinDirs: ["/a", "/b", "/c"],
    });
  });

  test("an empty value switches off what a file has switched on", () => {
    expect(parseFlags("--metrics-bind-addr=")).toEqual({ metricsBindAddr: "" });
  });

  test.each([
    ["--log-level", "loud"],
    ["--log-mode", "syslog"],
    ["--network-plugin", "kubenet"],
    ["--adopt-unlabelled", "maybe"],
    ["--runtime-request-timeout", "long"],
    ["--restrict-oom-score-adj", "yes"],
  ])("%s %s is refused", (flag, value) => {
    expect(() => parseFlags(flag, value)).toThrow(flag);
  });
});

describe("a configuration file", () => {
  const check = (content: unknown) => optionsFromFile(content, "c.yaml");

  test("has the options' own names", () => {
    const content = {
      listen: "unix:///x.sock",
      cniBinDirs: ["/a", "/b"],
      imagePullProgressDeadlineMs: 500,
      adoptUnlabelled: false,
      restrictOomScoreAdj: "auto",
    };
    expect(check(content)).toEqual(content);
  });

  test("may be empty", () => {
    expect(check(null)).toEqual({});
  });

  test("may write the choices true and false without quotes", () => {
    expect(check({ restrictOomScoreAdj: true })).toEqual({ restrictOomScoreAdj: "true" });
  });

  test.each([
    [{ logLevl: "debug" }, 'c.yaml: unknown key "logLevl"'],
    [{ "log-level": "debug" }, 'c.yaml: unknown key "log-level"'],
    [{ listen: 5 }, "c.yaml: listen: expected a string, not 5"],
    [{ cniBinDirs: "/a" }, 'c.yaml: cniBinDirs: expected a list of strings, not "/a"'],
    [{ logLevel: "loud" }, "c.yaml: logLevel: expected one of trace, debug"],
    [{ adoptUnlabelled: "no" }, 'c.yaml: adoptUnlabelled: expected true or false, not "no"'],
    [{ runtimeRequestTimeoutMs: "2m" }, "c.yaml: runtimeRequestTimeoutMs: expected a number of"],
    [{ runtimeRequestTimeoutMs: -1 }, "c.yaml: runtimeRequestTimeoutMs: expected a number of"],
    [["x"], "c.yaml: expected keys with values at the top level"],
    ["text", "c.yaml: expected keys with values at the top level"],
  ])("%j is refused", (content, message) => {
    expect(() => check(content)).toThrow(message);
  });

  const dir = mkdtemp(join(tmpdir(), "cli-config-"));
  afterAll(async () => rm(await dir, { recursive: true }));

  test.each([
    ["c.yaml", "# comment\nlogLevel: debug\ncniBinDirs:\n  - /a\n"],
    ["c.json", '{"logLevel": "debug", "cniBinDirs": ["/a"]}'],
  ])("is read as YAML or JSON: %s", async (name, text) => {
    const path = join(await dir, name);
    await writeFile(path, text);
    expect(await readConfigFile(path)).toEqual({ logLevel: "debug", cniBinDirs: ["/a"] });
  });

  test("that is not YAML is refused with the line", async () => {
    const path = join(await dir, "broken.yaml");
    await writeFile(path, "listen: [\n");
    await expect(readConfigFile(path)).rejects.toThrow(/broken\.yaml: .*line \d/);
  });

  test("that is missing is refused", async () => {
    await expect(readConfigFile(join(await dir, "none"))).rejects.toThrow(/cannot read .*ENOENT/);
  });
});

test("the other commands ask where the daemon listens by default", () => {
  expect(defaultEndpoint).toBe(defaultShimOptions.listen);
});
