import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultShimOptions } from "@dockershim/shim-server/options";
import { afterAll, describe, expect, test } from "@jest/globals";
import { Command } from "commander";
import { defaultEndpoint } from "../src/runtime/runtime-options.js";
import { optionsFromFile, readConfigFile } from "../src/serve/config-file.js";
import { gatherOptions } from "../src/serve/daemon-options.js";
import { addServeOptions, optionsFromFlags } from "../src/serve/serve-options.js";

function flagsOf(...args: string[]): Record<string, unknown> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addServeOptions(command);
  return command.parse(args, { from: "user" }).opts();
}

const parseFlags = (...args: string[]) => optionsFromFlags(flagsOf(...args));

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
      nriRegistrationTimeoutMs: "5s",
      nriRequestTimeoutMs: "2s",
      shimPerPod: "false",
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
      streamingTlsCertFile: "x",
      streamingTlsKeyFile: "x",
      metricsBindAddr: "x",
      tracingEndpoint: "x",
      logLevel: "debug",
      logMode: "cri",
      restrictOomScoreAdj: "false",
      imagePullProgressDeadlineMs: 90_000,
      runtimeRequestTimeoutMs: 240_000,
      blockioConfigFile: "x",
      nriSocket: "x",
      nriPluginDir: "x",
      nriConfigDir: "x",
      nriRegistrationTimeoutMs: 5_000,
      nriRequestTimeoutMs: 2_000,
      shimPerPod: false,
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
    ["--runtime-request-timeout", "120000"],
    ["--image-pull-progress-deadline", "0"],
    ["--pod-cidr", "10.0.0"],
    ["--pod-infra-container-image", "Foo:::"],
    ["--root-dir", "var/lib/dockershim"],
    ["--listen", "tcp://127.0.0.1:1"],
    ["--metrics-bind-addr", "9100"],
  ])("%s %s is refused, by flag and key", async (flag, value) => {
    const key = flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    await expect(
      (async () => await gatherOptions(flagsOf(flag, value), undefined))(),
    ).rejects.toThrow(new RegExp(`^${flag} \\(${key} in a file\\): `));
  });
});

describe("a configuration file", () => {
  const check = (content: unknown) => optionsFromFile(content, "c.yaml");

  test("has the options' own names", () => {
    const content = {
      listen: "unix:///x.sock",
      cniBinDirs: ["/a", "/b"],
      adoptUnlabelled: false,
      restrictOomScoreAdj: "auto",
    };
    expect(check(content)).toEqual({ options: content, problems: [] });
  });

  test("writes durations with their units, as the flags do", () => {
    expect(check({ imagePullProgressDeadline: "1m30s", runtimeRequestTimeout: "250ms" })).toEqual({
      options: { imagePullProgressDeadlineMs: 90_000, runtimeRequestTimeoutMs: 250 },
      problems: [],
    });
  });

  test("may be empty", () => {
    expect(check(null)).toEqual({ options: {}, problems: [] });
  });

  test("may write the choices true and false without quotes", () => {
    expect(check({ restrictOomScoreAdj: true }).options).toEqual({ restrictOomScoreAdj: "true" });
  });

  test.each([
    [{ logLevl: "debug" }, 'c.yaml: unknown key "logLevl"; did you mean "logLevel"?'],
    [{ "log-level": "debug" }, 'c.yaml: unknown key "log-level"; did you mean "logLevel"?'],
    [{ cniBinDir: ["/a"] }, 'c.yaml: unknown key "cniBinDir"; did you mean "cniBinDirs"?'],
    [
      { imagePullProgressDeadlineMs: 300_000 },
      'c.yaml: unknown key "imagePullProgressDeadlineMs"; did you mean "imagePullProgressDeadline"?',
    ],
    [{ colour: "blue" }, 'c.yaml: unknown key "colour"'],
    [{ listen: 5 }, "c.yaml: listen (--listen): expected a string, not 5"],
    [
      { cniBinDirs: "/a" },
      'c.yaml: cniBinDirs (--cni-bin-dir): expected a list of strings, not "/a"',
    ],
    [
      { adoptUnlabelled: "no" },
      'c.yaml: adoptUnlabelled (--adopt-unlabelled): expected true or false, not "no"',
    ],
    [
      { runtimeRequestTimeout: 120_000 },
      'c.yaml: runtimeRequestTimeout (--runtime-request-timeout): "120000" has no unit: ' +
        "write 30s, 1m30s, 2h or 250ms",
    ],
    [
      { runtimeRequestTimeout: true },
      "c.yaml: runtimeRequestTimeout (--runtime-request-timeout): expected a duration such as " +
        "1m30s, not true",
    ],
  ])("%j is refused", (content, message) => {
    expect(check(content).problems).toEqual([message]);
  });

  test.each([[["x"]], ["text"]])("that holds %j is none", (content) => {
    expect(() => check(content)).toThrow("c.yaml: expected keys with values at the top level");
  });

  const dir = mkdtemp(join(tmpdir(), "cli-config-"));
  afterAll(async () => rm(await dir, { recursive: true }));

  test.each([
    ["c.yaml", "# comment\nlogLevel: debug\ncniBinDirs:\n  - /a\n"],
    ["c.json", '{"logLevel": "debug", "cniBinDirs": ["/a"]}'],
  ])("is read as YAML or JSON: %s", async (name, text) => {
    const path = join(await dir, name);
    await writeFile(path, text);
    expect((await readConfigFile(path)).options).toEqual({ logLevel: "debug", cniBinDirs: ["/a"] });
  });

  test("that is not YAML is refused with the line", async () => {
    const path = join(await dir, "broken.yaml");
    await writeFile(path, "listen: [\n");
    await expect(readConfigFile(path)).rejects.toThrow(/broken\.yaml: .*line \d/);
  });

  test("that is far longer than any is refused before it is parsed", async () => {
    const path = join(await dir, "long.yaml");
    await writeFile(path, `{"listen":[]${'}"'.repeat(100_000)}`);
    await expect(readConfigFile(path)).rejects.toThrow(`${path}: it is longer than 32 KiB`);
  });

  test("that is missing is refused", async () => {
    await expect(readConfigFile(join(await dir, "none"))).rejects.toThrow(
      /cannot read .*: there is no such file$/,
    );
  });

  test("and flags are checked together, and all problems told by where they come from", async () => {
    const path = join(await dir, "wrong.yaml");
    await writeFile(path, "logLevl: debug\nlistem: x\nrootDir: relative\npodCidr: 10.0.0\n");
    const error = await gatherOptions(flagsOf("--pod-cidr", "x"), path).catch((err) => err);
    expect(error.lines).toEqual([
      `${path}: unknown key "logLevl"; did you mean "logLevel"?`,
      `${path}: unknown key "listem"; did you mean "listen"?`,
      `${path}: rootDir (--root-dir): "relative" is no absolute path`,
      '--pod-cidr (podCidr in a file): "x" is no range of addresses such as 10.244.0.0/24',
    ]);
  });

  test("gives way to a flag, also where the file's value is wrong", async () => {
    const path = join(await dir, "half.yaml");
    await writeFile(path, "podCidr: 10.0.0\nlogLevel: warn\n");
    expect(await gatherOptions(flagsOf("--pod-cidr", "10.0.0.0/8"), path)).toEqual({
      podCidr: "10.0.0.0/8",
      logLevel: "warn",
    });
  });
});

test("the other commands ask where the daemon listens by default", () => {
  expect(defaultEndpoint).toBe(defaultShimOptions.listen);
});
