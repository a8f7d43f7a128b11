import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imageTarOf, labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startContainerd } from "./containerd-runtime.js";
import { startBin } from "./dockershim-bin.js";
import { startInTerminal } from "./virtual-terminal.js";

// The command with a runtime that is not ours: Debian's containerd.

let runtime: Awaited<ReturnType<typeof startContainerd>>;
let dir: string;

beforeAll(async () => {
  runtime = await startContainerd();
  dir = await mkdtemp(join(tmpdir(), "cli-containerd-files-"));
  const serve = "echo out; echo found > /tmp/page; exec httpd -f -p 8080 -h /tmp";
  await runtime.startPod("web", ["sh", "-c", serve]);
});
afterAll(async () => {
  await runtime?.close();
  await rm(dir, { recursive: true });
});

const dockershim = (...args: string[]) => runtime.dockershim(...args);
const fine = { stdout: "", stderr: "", code: 0 };

test("its pods are listed, and a template filled in", async () => {
  expect((await dockershim("version")).stdout).toMatch(/\nRuntime: +containerd /);
  const names = "jsonpath={.items[*].metadata.name}";
  expect((await dockershim("pods", "-o", names)).stdout).toBe("web");
});

test("files go in and come out, though its WebSockets cannot end an input", async () => {
  await mkdir(join(dir, "site"));
  await writeFile(join(dir, "site/page"), Buffer.alloc(2_000_000, "p"));
  expect(await dockershim("cp", join(dir, "site"), "web:/tmp")).toEqual(fine);
  expect(await dockershim("cp", "web:/tmp/site", join(dir, "back"))).toEqual(fine);
  const back = await readFile(join(dir, "back/page"));
  expect(back.equals(Buffer.alloc(2_000_000, "p"))).toBe(true);
  await dockershim("exec", "web", "sh", "-c", "rm $(which tar)");
  expect(await dockershim("cp", "web:/etc", dir)).toMatchObject({
    stderr: expect.stringMatching(/^dockershim: cp: default\/web\/main has no tar, .*\n$/),
    code: 1,
  });
});

test("a port is joined", async () => {
  const child = startBin(["port-forward", "web", ":8080"], {
    CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint,
  });
  let out = "";
  child.stdout.on("data", (data) => {
    out += data;
  });
  const port = await until(() => /:(\d+) ->/.exec(out)?.[1]);
  const get = async () => await (await fetch(`http://127.0.0.1:${port}/page`)).text();
  expect(await until(() => get().catch(() => undefined))).toBe("found\n");
  child.kill("SIGINT");
  await once(child, "close");
});

describe("what is left", () => {
  interface Found {
    readonly remains: readonly {
      readonly kind: string;
      readonly id: string;
      readonly size?: number;
    }[];
    readonly notLookedAt: readonly { readonly kind: string; readonly reason: string }[];
  }
  const gc = async (...args: string[]): Promise<Found> => {
    const all = ["gc", "-r", runtime.endpoint, "--root", dir, "--min-age", "0", "-o", "json"];
    const { stdout, stderr } = await dockershim(...all, ...args);
    expect(stderr).toBe("");
    return JSON.parse(stdout);
  };
  const found = async (kind: string): Promise<string[]> =>
    (await gc("--only", kind)).remains.map(({ id }) => id);
  const podOf = async (name: string) =>
    (await runtime.client.runtime.listPodSandbox({})).items.find(
      ({ metadata }) => metadata?.name === name,
    );

  test("sandboxes that have ended and have nothing in them are found, and go", async () => {
    const { runtime: cri } = runtime.client;
    const config = {
      metadata: { name: "ended", namespace: "default", uid: "uid-ended" },
      linux: {},
    };
    const { podSandboxId } = await cri.runPodSandbox({ config });
    expect(await found("sandboxes")).toEqual([]);
    await cri.stopPodSandbox({ podSandboxId });
    expect(await found("sandboxes")).toEqual([podSandboxId]);
    await gc("--only", "sandboxes", "--yes");
    expect(await podOf("ended")).toBeUndefined();
    expect(await podOf("web")).toBeDefined();
  });

  test("logs of pods that are gone, with their size; those of a pod that is there stay", async () => {
    await mkdir(join(dir, "var/lib/kubelet/pods"), { recursive: true });
    await writeFile(join(dir, "var/lib/kubelet/config.yaml"), "kind: KubeletConfiguration\n");
    const [used, left] = ["default_web_uid-web", "default_gone_uid-gone"].map((name) =>
      join(dir, "var/log/pods", name),
    ) as [string, string];
    for (const folder of [used, left]) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "0.log"), Buffer.alloc(1_048_576));
    }
    const { remains } = await gc("--only", "logs");
    expect(remains).toMatchObject([{ id: left, size: expect.any(Number) }]);
    expect(remains[0]?.size).toBeGreaterThanOrEqual(1_048_576);
    await gc("--only", "logs", "--yes");
    expect(await readdir(join(dir, "var/log/pods"))).toEqual(["default_web_uid-web"]);
  });

  test("images that nothing is made of, but not those of containers and sandboxes", async () => {
    await runtime.load(imageTarOf("test.invalid/unused:1", {}));
    const { images } = await runtime.client.image.listImages({});
    const unused = images.filter(({ repoTags }) => repoTags.includes("test.invalid/unused:1"));
    expect(await found("images")).toEqual(unused.map(({ id }) => id));
    await gc("--only", "images", "--yes");
    const { images: now } = await runtime.client.image.listImages({});
    expect(now.map(({ id }) => id).toSorted()).toEqual(
      images
        .map(({ id }) => id)
        .filter((id) => id !== unused[0]?.id)
        .toSorted(),
    );
    await runtime.startPod("after", ["sleep", "3600"]);
  });

  test("addresses that no pod has, where its networks are named", async () => {
    const config = join(dir, "config.yaml");
    const confDir = labVariable("LAB_CNI_CONF_DIR");
    await writeFile(config, `cniConfDir: ${confDir}\n`);
    const [list = ""] = await readdir(confDir);
    const { name, plugins } = JSON.parse(await readFile(join(confDir, list), "utf8"));
    const leases = join(plugins[0].ipam.dataDir, name);
    const lease = join(leases, `${labVariable("LAB_SUBNET").replace(/\d+\/\d+$/, "")}253`);
    await writeFile(lease, `${"6".repeat(64)}\r\neth0`);
    // Older than what other tests on this network are about to take or give back.
    await utimes(lease, 0, 0);
    const only = ["--only", "addresses", "--config", config, "-r", runtime.endpoint, "-o", "json"];
    const { stdout } = await dockershim("gc", ...only);
    expect(JSON.parse(stdout).remains.map(({ id }: { id: string }) => id)).toEqual([lease]);
    await dockershim("gc", ...only, "--yes");
    const left = await readdir(leases);
    expect(left).not.toContain(`${lease.slice(leases.length + 1)}`);
    const { status } = await runtime.client.runtime.podSandboxStatus({
      podSandboxId: (await podOf("web"))?.id ?? "",
    });
    expect(left).toContain(status?.network?.ip);
  });

  test("what belongs to dockershim is not looked at, which is told", async () => {
    const kinds = ["networks", "records", "checkpoints", "mounts", "build-cache"];
    const { notLookedAt } = await gc("--only", ...kinds);
    expect(notLookedAt).toEqual(kinds.map((kind) => ({ kind, reason: "for dockershim only" })));
  });

  test("df counts images, containers and logs", async () => {
    const { stdout, stderr } = await dockershim(
      "df",
      "-r",
      runtime.endpoint,
      "--root",
      dir,
      "-o",
      "json",
    );
    expect(stderr).toBe("");
    const { usage, fileSystems, notKnown } = JSON.parse(stdout);
    expect(notKnown).toEqual([]);
    expect(usage).toEqual([
      // The lab's image, and that of sandboxes, of which none goes.
      expect.objectContaining({ kind: "images", total: 2, active: 2, reclaimable: 0 }),
      expect.objectContaining({ kind: "containers", total: 2, active: 2 }),
      expect.objectContaining({ kind: "logs", total: 1, active: 1, reclaimable: 0 }),
    ]);
    expect(usage[0].size).toBeGreaterThan(0);
    expect(usage[2].size).toBeGreaterThanOrEqual(1_048_576);
    expect(fileSystems).toContainEqual(expect.objectContaining({ use: "logs" }));
  });
});

test("top shows what it tells", async () => {
  const screen = startInTerminal(["top", "-r", runtime.endpoint], { NO_COLOR: "1" });
  await screen.shows(/main +\d+m +[\d.]+[KM]i +\d+%/);
  screen.press("q");
  expect(await screen.ended()).toBe(0);
});

test("it keeps no timelines, which is told", async () => {
  expect(await dockershim("timeline", "web")).toEqual({
    stdout: "",
    stderr: `dockershim: the runtime at ${runtime.endpoint} keeps no timelines; dockershim's daemon does\n`,
    code: 1,
  });
});
