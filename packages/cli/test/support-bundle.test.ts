import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { BundlePart, BundleSource } from "../src/support-bundle/bundle-part.js";
import { makeBundle, usualLimits } from "../src/support-bundle/make-bundle.js";
import { describeBundle } from "../src/support-bundle/support-bundle-command.js";
import { runDockershim } from "./run-dockershim.js";
import { sampleNow } from "./sample-runtime.js";
import { filesOfTar } from "./tar-files.js";

const source = { now: () => sampleNow } as BundleSource;

const part = (name: string, collect: BundlePart["collect"], keep?: "end"): BundlePart => ({
  ...{ name, about: `what ${name} is`, collect },
  ...(keep && { keep }),
});

describe("a bundle", () => {
  test("has what each part collects, and a manifest", async () => {
    const parts = [
      part("texts", async () => ({ "a.txt": "text", "b/c.json": { big: 12n, env: ["A=b"] } })),
    ];
    const { archive } = await makeBundle(parts, source, "folder");
    const files = filesOfTar(archive);
    expect(Object.keys(files)).toEqual(["folder/manifest.json", "folder/a.txt", "folder/b/c.json"]);
    expect(files["folder/a.txt"]).toBe("text");
    expect(JSON.parse(files["folder/b/c.json"] ?? "")).toEqual({ big: "12", env: ["A=<removed>"] });
    expect(JSON.parse(files["folder/manifest.json"] ?? "")).toMatchObject({
      made: new Date(sampleNow).toISOString(),
      parts: [{ name: "texts", files: [{ path: "a.txt", size: 4, cut: 0 }, { path: "b/c.json" }] }],
    });
  });

  test("goes on after a part that fails, hangs or does not exist here", async () => {
    const never = new Promise<never>(() => undefined);
    const parts = [
      part("fails", async () => Promise.reject(new Error("no https://u:pw@host/"))),
      part("hangs", () => never),
      part("missing", async () => undefined),
      part("works", async () => ({ "w.txt": "w" })),
    ];
    const { parts: done } = await makeBundle(parts, source, "f", { ...usualLimits, partMs: 50 });
    expect(done.map(({ name, problem }) => [name, problem])).toEqual([
      ["fails", "no https://<removed>@host/"],
      ["hangs", "it took longer than 50 ms"],
      ["missing", "there is no such thing with this runtime"],
      ["works", undefined],
    ]);
  });

  test("cuts what is too long, after secrets were taken out, and leaves out what is beyond its size", async () => {
    const limits = { ...usualLimits, fileBytes: 10, totalBytes: 15 };
    const parts = [
      part("start", async () => ({ "s.txt": "0123456789abc" })),
      part("end", async () => ({ "e.txt": "0123456789abc" }), "end"),
      part("beyond", async () => ({ "b.txt": "x" })),
    ];
    const { archive, parts: done } = await makeBundle(parts, source, "f", limits);
    const files = filesOfTar(archive);
    expect(files["f/s.txt"]).toBe("0123456789");
    expect(files["f/e.txt"]).toBe("89abc");
    expect(files["f/b.txt"]).toBeUndefined();
    expect(done.map(({ problem }) => problem)).toEqual([
      undefined,
      undefined,
      "left out: the bundle is full",
    ]);
    const key = `-----BEGIN PRIVATE KEY-----\n${"k".repeat(30)}\n-----END PRIVATE KEY-----`;
    const cut = await makeBundle(
      [part("key", async () => ({ "k.txt": key }), "end")],
      source,
      "f",
      limits,
    );
    expect(filesOfTar(cut.archive)["f/k.txt"]).not.toContain("k".repeat(5));
  });

  test("ends when its time is over", async () => {
    const parts = [part("late", async () => ({ "l.txt": "l" }))];
    const { parts: done } = await makeBundle(parts, source, "f", { ...usualLimits, totalMs: 0 });
    expect(done).toMatchObject([{ files: [], problem: "left out: 0 ms are over" }]);
  });

  test("is told to a person", async () => {
    const parts = [
      part("check", async () => ({ "check.json": {} })),
      part("metrics", async () => Promise.reject(new Error("metricsBindAddr is not set"))),
    ];
    const { parts: done } = await makeBundle(parts, source, "f");
    expect(describeBundle("x.tar.gz", 1_234, done)).toMatchSnapshot();
  });
});

/** In each place that a node has for secrets, and more. */
const planted = "plantedsecret";

describe("of a node whose daemon is down", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "support-bundle-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function put(file: string, text: string): Promise<void> {
    const path = join(root, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    await chmod(path, 0o755);
  }

  test("the bundle has its files and logs, and no secret", async () => {
    const config = join(root, "config.yaml");
    await put(
      "config.yaml",
      `tracingEndpoint: http://u:${planted}@127.0.0.1:4318\ndockerEndpoint: unix://${root}/none.sock\nlisten: unix://${root}/cri.sock\n`,
    );
    await put(
      "etc/docker/daemon.json",
      JSON.stringify({
        "registry-mirrors": [`https://u:${planted}@m/`],
        proxies: { "http-proxy": `http://u:${planted}@p` },
      }),
    );
    await put(
      "var/lib/kubelet/config.yaml",
      `staticPodURLHeader: {X-Key: ["${planted}"]}\nproviderID: https://x:${planted}@y/\ncgroupDriver: systemd\n`,
    );
    await put("etc/crictl.yaml", `auth: ${planted}\n`);
    await put(
      "etc/cni/net.d/10-pods.conflist",
      JSON.stringify({
        cniVersion: "1.0.0",
        name: "pods",
        plugins: [
          {
            type: "calico",
            policy: { k8s_auth_token: planted },
            etcd_endpoints: `https://u:${planted}@e`,
          },
        ],
      }),
    );
    await put("etc/cni/net.d/20-bad.conf", `{"password": "${planted}"`);
    await put(
      "var/lib/dockershim/cni/results/pods-a-eth0",
      JSON.stringify({
        kind: "cniCacheV1",
        containerId: "a",
        ifName: "eth0",
        networkName: "pods",
        config: Buffer.from(`{"token":"${planted}"}`).toString("base64"),
        cniArgs: [["TOKEN", planted]],
        capabilityArgs: { "io.kubernetes.cri.pod-annotations": { a: planted } },
        result: { cniVersion: "1.0.0", ips: [] },
      }),
    );
    const says = (line: string) => `#!/bin/sh\ncat <<'END'\n${line}\nEND\n`;
    await put(
      "bin/journalctl",
      says(
        `daemon: pull with Authorization: Bearer ${planted}\n-----BEGIN PRIVATE KEY-----\n${planted}\n-----END PRIVATE KEY-----`,
      ),
    );
    await put("bin/dmesg", says(`[1.0] cmdline: password=${planted}`));
    await put("bin/ip", says(`token ${planted}`.replace("token ", "token=")));
    const file = join(root, "out.tar.gz");
    const args = ["support-bundle", "--root", root, "--config", config, "-f", file];
    const outcome = await runDockershim("", args, {
      env: { PATH: `${root}/bin:${process.env.PATH}` },
    });
    expect({ code: outcome.code, stderr: outcome.stderr }).toEqual({ code: 0, stderr: "" });
    expect(outcome.stdout).toMatch(/^engine +0 +0B +\S.*none\.sock/m);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const files = filesOfTar(gunzipSync(await readFile(file)));
    const names = Object.keys(files).map((path) => path.replace(/^[^/]+\//, ""));
    expect(names).toEqual(
      expect.arrayContaining([
        ...["manifest.json", "check.json", "config/dockershim.yaml", "config/docker-daemon.json"],
        ...["config/kubelet.yaml", "network/networks.json", "network/results.json"],
        ...["log/daemon.log", "log/kubelet.log", "node/dmesg.txt", "node/cgroups.txt", "gc.json"],
      ]),
    );
    const found = Object.entries(files).filter(([, text]) => {
      return text.includes(planted) || text.includes(Buffer.from(planted).toString("base64"));
    });
    expect(found).toEqual([]);
    // What is no secret is there.
    const text = Object.values(files).join("\n");
    for (const kept of [
      "daemon: pull with",
      "calico",
      '"cgroupDriver": "systemd"',
      "registry-mirrors",
    ]) {
      expect(text).toContain(kept);
    }
  });

  test("a file that cannot be written is told", async () => {
    const args = ["support-bundle", "--root", root, "-f", join(root, "none/x.tar.gz")];
    const { stderr, code } = await runDockershim("", args, { env: { PATH: "/nonexistent" } });
    expect(stderr).toMatch(/^dockershim: cannot write .*x\.tar\.gz: there is no such file/);
    expect(code).toBe(1);
  });
});
