import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "@jest/globals";
import { optionsFromCriDockerd } from "../src/cri-dockerd/cri-dockerd-command.js";
import { runBin, startBin } from "./dockershim-bin.js";

/** The flags of a unit's ExecStart line, as systemd splits them. */
function read(line: string) {
  const given = new Map<string, string>();
  const words = line.split(" ");
  for (let at = 0; at < words.length; at++) {
    const [flag = "", value] = (words[at] ?? "").slice(2).split(/=(.*)/s);
    given.set(flag, value ?? words[++at] ?? "");
  }
  return optionsFromCriDockerd(given);
}

const defaults = {
  listen: "unix:///var/run/cri-dockerd.sock",
  rootDir: "/var/lib/cri-dockerd",
};

test("nothing given is what cri-dockerd does then", () => {
  expect(optionsFromCriDockerd(new Map())).toEqual({ options: defaults, warnings: [] });
});

test.each([
  ["its own folder for CNI's results is carried over", "/srv/cni", { cniCacheDir: "/srv/cni" }],
  ["the one that other runtimes use too is read only", "/var/lib/cni/cache", {}],
])("%s", (_what, folder, more) => {
  const { options, warnings } = read(`--cni-cache-dir=${folder}`);
  expect(options).toEqual({ ...defaults, ...more });
  expect(warnings).toEqual([]);
});

test("the line that minikube writes means the same", () => {
  const line =
    "--container-runtime-endpoint fd:// --pod-infra-container-image=registry.k8s.io/pause:3.10.1 " +
    "--network-plugin=cni --hairpin-mode=hairpin-veth";
  expect(read(line)).toEqual({
    options: {
      ...defaults,
      listen: "fd://",
      networkPlugin: "cni",
      podInfraContainerImage: "registry.k8s.io/pause:3.10.1",
    },
    warnings: [
      "--hairpin-mode=hairpin-veth of cri-dockerd means nothing here: set hairpinMode in the CNI configuration",
    ],
  });
});

test("the line of cri-dockerd's own unit means the same, with a network from CNI", () => {
  expect(read("--container-runtime-endpoint fd:// --network-plugin=")).toEqual({
    options: { ...defaults, listen: "fd://" },
    warnings: ["--network-plugin=: pods get their network from CNI here"],
  });
});

test("the line that kubespray writes means the same", () => {
  const line =
    "--container-runtime-endpoint unix:///var/run/cri-dockerd.sock --cni-conf-dir=/etc/cni/net.d " +
    "--cni-bin-dir=/opt/cni/bin --network-plugin=cni --pod-cidr=10.233.64.0/18 " +
    "--pod-infra-container-image=registry.k8s.io/pause:3.10 --log-level info --ipv6-dual-stack=True";
  expect(read(line)).toEqual({
    options: {
      ...defaults,
      cniConfDir: "/etc/cni/net.d",
      cniBinDir: ["/opt/cni/bin"],
      networkPlugin: "cni",
      podCidr: "10.233.64.0/18",
      podInfraContainerImage: "registry.k8s.io/pause:3.10",
      logLevel: "info",
    },
    warnings: [],
  });
});

test("a line with every flag that has a counterpart", () => {
  const line =
    "--container-runtime-endpoint=unix:///run/x.sock --cri-dockerd-root-directory=/data " +
    "--docker-endpoint=unix:///run/d.sock --image-pull-progress-deadline=15m0s --runtime-request-timeout=2m0s " +
    "--streaming-bind-addr=0.0.0.0 --cni-bin-dir=/a,/b --cni-conf-dir=/c --pod-cidr=10.1.0.0/16 --log-level=warning";
  expect(read(line)).toEqual({
    options: {
      listen: "unix:///run/x.sock",
      rootDir: "/data",
      dockerEndpoint: "unix:///run/d.sock",
      imagePullProgressDeadline: 900_000,
      runtimeRequestTimeout: 120_000,
      streamingBindAddr: "0.0.0.0:0",
      cniBinDir: ["/a", "/b"],
      cniConfDir: "/c",
      podCidr: "10.1.0.0/16",
      logLevel: "warn",
    },
    warnings: [],
  });
});

test.each([
  ["127.0.0.1:10010", "127.0.0.1:10010"],
  ["::1", "[::1]:0"],
  ["[::1]:10010", "[::1]:10010"],
])("--streaming-bind-addr=%s is %s", (theirs, ours) => {
  expect(read(`--streaming-bind-addr=${theirs}`).options).toMatchObject({
    streamingBindAddr: ours,
  });
});

test("--version and --buildinfo have cri-dockerd's form", async () => {
  const { stdout } = await runBin(["cri-dockerd", "--version"]);
  expect(stdout).toMatch(/^cri-dockerd \d+\.\d+\.\d+ \(dockershim\)\n$/);
  const information = await runBin(["cri-dockerd", "--buildinfo"]);
  expect(information.stdout).toMatch(/^Program: cri-dockerd\nVersion: \d.*\nGitCommit: /);
});

test("a flag that cri-dockerd does not have is refused", async () => {
  const { stderr, code } = await runBin(["cri-dockerd", "--network-plugn=cni"]);
  expect(stderr).toContain("unknown option '--network-plugn=cni'");
  expect(code).toBe(2);
});

test("it serves, and warns once of what means nothing", async () => {
  const dir = mkdtempSync(join(tmpdir(), "cri-dockerd-"));
  const daemon = startBin([
    ...["cri-dockerd", `--container-runtime-endpoint=unix://${dir}/cri.sock`],
    ...["--cri-dockerd-root-directory", join(dir, "root"), "--ipv6-dual-stack"],
    ...["--docker-endpoint", `unix://${dir}/no-docker.sock`, "--network-plugin-mtu=1400"],
  ]);
  try {
    const lines: { level: string; msg: string }[] = [];
    for await (const line of createInterface({ input: daemon.stdout })) {
      lines.push(JSON.parse(line));
      if (lines.at(-1)?.msg === "ready") break;
    }
    const words = lines.map(({ msg }) => msg).filter((msg) => msg.includes("of cri-dockerd"));
    expect(words).toEqual([
      "--network-plugin-mtu=1400 of cri-dockerd means nothing here: set the MTU in the CNI configuration",
    ]);
  } finally {
    daemon.kill("SIGKILL");
    await once(daemon, "close");
    rmSync(dir, { recursive: true });
  }
});
