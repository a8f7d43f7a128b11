import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { carryOptions } from "../src/migrate/carry-options.js";
import { defaultConfigText } from "../src/serve/default-config.js";

type Options = Parameters<typeof carryOptions>[1];
const carry = (text: string, options: Options) =>
  carryOptions(text, options, "/c.yaml", "cri-dockerd");

describe("options carried into a configuration file", () => {
  test.each<[string, string, Options, string]>([
    [
      "one that is not there",
      "",
      { logLevel: "debug", imagePullProgressDeadlineMs: 300_000 },
      "# Carried over from cri-dockerd.\nlogLevel: debug\nimagePullProgressDeadline: 5m\n",
    ],
    [
      "one with lines and comments",
      "# mine\nlogMode: docker # as it was",
      { logLevel: "debug" },
      "# mine\nlogMode: docker # as it was\n\n# Carried over from cri-dockerd.\nlogLevel: debug\n",
    ],
    [
      "a list in one line: folders are put in front",
      "# a\ncniBinDirs: [/opt/cni/bin, /b] # b\nlogMode: docker\n",
      { cniBinDirs: ["/own", "/b"] },
      "# a\ncniBinDirs: [/own, /opt/cni/bin, /b] # b\nlogMode: docker\n",
    ],
    [
      "a list in lines",
      "cniBinDirs:\n  - /a\n  - /b\nlogMode: docker\n",
      { cniBinDirs: ["/own"], logLevel: "warn" },
      "cniBinDirs: [/own, /a, /b]\nlogMode: docker\n\n# Carried over from cri-dockerd.\nlogLevel: warn\n",
    ],
    [
      "the packaged file",
      defaultConfigText(),
      { dockerEndpoint: "unix:///d.sock" },
      `${defaultConfigText()}\n# Carried over from cri-dockerd.\ndockerEndpoint: unix:///d.sock\n`,
    ],
  ])("into %s", (_, text, options, expected) => {
    expect(carry(text, options)).toEqual({ text: expected, problems: [] });
    expect(carry(expected, options)).toEqual({ text: expected, problems: [] });
  });

  test.each<[string, string, object]>([
    ["a JSON object", '{"logMode": "docker"}', { logMode: "docker" }],
    ["a document with an end", "logMode: docker\n...\n", { logMode: "docker" }],
    ["an indented map", "  logMode: docker\n", { logMode: "docker" }],
  ])("into %s, which has no place for a line", (_, text, there) => {
    const { text: result, problems } = carry(text, { logLevel: "debug", cniBinDirs: ["/own"] });
    expect(problems).toEqual([]);
    expect(parse(result)).toEqual({ ...there, logLevel: "debug", cniBinDirs: ["/own"] });
  });

  test.each<[string, string, Options]>([
    ["says the same", "logLevel: debug\n", { logLevel: "debug" }],
    [
      "says the same in other words",
      "runtimeRequestTimeout: 60s\n",
      { runtimeRequestTimeoutMs: 60_000 },
    ],
    ["has the folders already", "cniBinDirs: [/a, /b]\n", { cniBinDirs: ["/b"] }],
    ["says nothing of what is the default", "logMode: docker\n", { logLevel: "info" }],
    ["is asked for nothing", "# mine\n", {}],
  ])("leave a file alone that %s", (_, text, options) => {
    expect(carry(text, options)).toEqual({ text, problems: [] });
  });

  test.each<[string, string, Options, RegExp]>([
    [
      "says something else",
      "logLevel: warn\n",
      { logLevel: "debug" },
      /^\/c\.yaml: logLevel \(--log-level\): it says "warn", cri-dockerd was told "debug"/,
    ],
    [
      "has another duration",
      "runtimeRequestTimeout: 1m\n",
      { runtimeRequestTimeoutMs: 120_000 },
      /it says "1m", cri-dockerd was told "2m"/,
    ],
    ["has an unknown key", "loglevel: warn\n", {}, /unknown key "loglevel"; did you mean/],
    ["is no YAML", "a: [\n", {}, /^\/c\.yaml: /],
    ["is a list", "- a\n", {}, /^\/c\.yaml: expected keys with values/],
    ["would be refused", "", { podCidr: "10.0.0.0/99" }, /^\/c\.yaml: podCidr \(--pod-cidr\): /],
  ])("are refused by a file that %s", (_, text, options, problem) => {
    expect(carry(text, options).problems).toEqual([expect.stringMatching(problem)]);
  });
});
