import { expect, test } from "@jest/globals";
import { optionProblems } from "../src/option-problems.js";
import { defaultShimOptions, type ShimOptions } from "../src/options.js";
import { startShim } from "../src/start-shim.js";

type Key = keyof ShimOptions;

const problemsWith = (key: Key, value: unknown) =>
  optionProblems({ ...defaultShimOptions, [key]: value });

test("the defaults have no problem", () => {
  expect(optionProblems(defaultShimOptions)).toEqual([]);
});

const accepted: [Key, ...unknown[]][] = [
  ["listen", "unix:///run/x.sock", "/run/x.sock", `unix:///${"x".repeat(106)}`],
  ["dockerEndpoint", "unix:///run/docker.sock", "tcp://10.0.0.1:2375", "tcp://[::1]:2375"],
  ["dockerEndpoint", "http://docker.example:2375/"],
  ["rootDir", "/var/lib/x"],
  ["networkPlugin", "none"],
  ["cniBinDirs", ["/opt/cni/bin", "/usr/lib/cni"]],
  ["cniCacheDir", "", "/var/lib/cni"],
  ["podCidr", "", "10.244.0.0/16", "10.244.1.0/24,fd00:1::/64", "fd00::/8"],
  [
    "podInfraContainerImage",
    "",
    "pause",
    "registry.k8s.io/pause:3.10",
    "localhost:5000/a/b-c__d:v1",
  ],
  ["podInfraContainerImage", `pause@sha256:${"a".repeat(64)}`, `sha256:${"a".repeat(64)}`],
  ["streamingBindAddr", "127.0.0.1:0", "[::1]:10010", "node.example:10010", "0.0.0.0:1"],
  ["metricsBindAddr", "", ":9100", "127.0.0.1:65535"],
  ["tracingEndpoint", "", "http://127.0.0.1:4318", "https://otel.example/v1/traces"],
  ["logLevel", "trace", "fatal"],
  ["logMode", "docker"],
  ["restrictOomScoreAdj", "true"],
  ["imagePullProgressDeadlineMs", 1, 600_000],
  ["adoptUnlabelled", false],
];

test.each(accepted)("%s may be %j", (key, ...values) => {
  for (const value of values) expect(problemsWith(key, value)).toEqual([]);
});

const refused: [Key, ...unknown[]][] = [
  ["listen", "", "tcp://127.0.0.1:1", "relative.sock", "unix://x.sock", "unix:///run/"],
  ["listen", `unix:///${"x".repeat(107)}`, 5],
  ["dockerEndpoint", "", "docker.sock", "unix://docker.sock", "tcp://10.0.0.1", "ssh://host:22"],
  ["dockerEndpoint", "tcp://:2375", "tcp://host:0", "tcp://host:70000", "tcp://300.1.1.1:1"],
  ["rootDir", "", "dockershim", "./x", "/", "//"],
  ["networkPlugin", "kubenet", ""],
  ["cniConfDir", "", "net.d"],
  ["cniBinDirs", [], ["/opt/cni/bin", "bin"], "/opt/cni/bin", [5]],
  ["cniCacheDir", "cache"],
  ["podCidr", "10.0.0", "10.0.0.0", "10.0.0/8", "10.0.0.0/33", "fd00::/129", "10.0.0.0/8,"],
  ["podCidr", "10.0.0.0/8,10.1.0.0/16", "x/8"],
  [
    "podInfraContainerImage",
    "Foo:::",
    "Pause",
    "pause:",
    "pause:3.10@",
    "a//b",
    "a b",
    "pause@sha256:12",
  ],
  [
    "streamingBindAddr",
    "",
    "127.0.0.1",
    ":0",
    "127.0.0.1:x",
    "127.0.0.1:70000",
    "::1:0",
    "1.2.3:4",
  ],
  ["metricsBindAddr", "9100", "127.0.0.1:", "[::1:9100", "[x]:1", "999.0.0.1:1"],
  ["tracingEndpoint", "127.0.0.1:4318", "otel", "ftp://x"],
  ["logLevel", "loud", ""],
  ["logMode", "syslog"],
  ["restrictOomScoreAdj", "yes", true],
  ["imagePullProgressDeadlineMs", 0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1m"],
  ["runtimeRequestTimeoutMs", 2 ** 31, 0],
  ["adoptUnlabelled", "yes", undefined],
];

test.each([
  ["streamingTlsCertFile", "streamingTlsKeyFile"],
  ["streamingTlsKeyFile", "streamingTlsCertFile"],
] as const)("%s takes %s beside it", (given, missing) => {
  const options = { ...defaultShimOptions, [given]: "/etc/tls/file.pem" };
  expect(optionProblems(options).map(({ key }) => key)).toEqual([missing]);
  expect(optionProblems({ ...options, [missing]: "/etc/tls/other.pem" })).toEqual([]);
  expect(optionProblems({ ...options, [missing]: "other.pem" })).toHaveLength(1);
});

test.each(refused)("%s is not %j", (key, ...values) => {
  for (const value of values) {
    expect([value, problemsWith(key, value)]).toEqual([
      value,
      [{ key, problem: expect.any(String) }],
    ]);
  }
});

test("each problem names the value that it is about", () => {
  const values: [Key, unknown, string][] = [
    ["podCidr", "10.244.0.0/16,10.0.0", "10.0.0"],
    ["podInfraContainerImage", "Foo:::", "Foo:::"],
    ["cniBinDirs", ["/a", "b"], "b"],
  ];
  for (const [key, value, named] of values) {
    expect(problemsWith(key, value)[0]?.problem).toContain(`"${named}"`);
  }
});

test("a daemon with wrong options does not start, and is told of all of them", async () => {
  await expect(startShim({ rootDir: "dockershim", podCidr: "10.0.0" })).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringMatching(/^rootDir: "dockershim" .*; podCidr: "10\.0\.0" /),
  });
});
