import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createCriClient } from "@dockershim/cri-client";
import { type Daemon, labFlags, labVariable, startDaemon } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runBin } from "./dockershim-bin.js";
import { filesOfTar } from "./tar-files.js";

/** In each place of a pod that may have secrets. */
const planted = "plantedsecret";

const lab = {
  LAB_DOCKER_ENDPOINT: labVariable("LAB_DOCKER_ENDPOINT"),
  LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
  LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
};

let dir: string;
let daemon: Daemon;
let client: ReturnType<typeof createCriClient>;
let endpoint: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-bundle-"));
  endpoint = `unix://${join(dir, "cri.sock")}`;
  const lines: string[] = [];
  daemon = await startDaemon({
    listen: endpoint,
    flags: {
      ...labFlags(lab),
      "root-dir": join(dir, "root"),
      "restrict-oom-score-adj": "true",
      "log-level": "debug",
    },
    onLine: (line) => lines.push(line),
  });
  client = createCriClient({ endpoint });
  const sandboxConfig = {
    metadata: { name: "told", namespace: "bundle", uid: `uid-told-${process.pid}`, attempt: 0 },
    annotations: { "example.com/config": planted },
    linux: {},
  };
  const { podSandboxId } = await client.runtime.runPodSandbox({ config: sandboxConfig });
  const { containerId } = await client.runtime.createContainer({
    podSandboxId,
    sandboxConfig,
    config: {
      metadata: { name: "main", attempt: 0 },
      image: { image: labVariable("LAB_IMAGE") },
      command: ["sh", "-c", `true ${planted}; exec sleep 3600`],
      envs: [{ key: "DB_PASSWORD", value: Buffer.from(planted) }],
      annotations: { note: planted },
      logPath: "main/0.log",
    },
  });
  await client.runtime.startContainer({ containerId });
  const auth = { username: "someone", password: planted, serverAddress: "registry.invalid" };
  const image = { image: `someone:${planted}@registry.invalid/x:1` };
  await client.image.pullImage({ image, auth }).catch(() => undefined);
  await writeFile(join(dir, "daemon.log"), `${lines.join("\n")}\nlast: token=${planted}\n`);
});
afterAll(async () => {
  const { items } = await client.runtime.listPodSandbox({});
  for (const { id } of items) await client.runtime.removePodSandbox({ podSandboxId: id });
  client.close();
  await daemon.stop();
  await rm(dir, { recursive: true });
});

test("a bundle of a node at work has all parts, and no secret of its pods", async () => {
  const file = join(dir, "bundle.tar.gz");
  const args = [
    "support-bundle",
    "-r",
    endpoint,
    "-f",
    file,
    "--log-file",
    join(dir, "daemon.log"),
  ];
  const { stdout, stderr, code } = await runBin(args);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  expect(stdout).toMatch(/^metrics +0 +0B +metricsBindAddr is not set$/m);
  const files = filesOfTar(gunzipSync(await readFile(file)));
  const of = (pattern: RegExp): string[] => Object.keys(files).filter((path) => pattern.test(path));
  expect(of(/\/cri\/pods\/[0-9a-f]{13}\.json$/)).toHaveLength(1);
  expect(of(/\/cri\/containers\/[0-9a-f]{13}\.json$/)).toHaveLength(1);
  expect(of(/\/engine\/containers\/[0-9a-f]{13}\.json$/).length).toBeGreaterThanOrEqual(2);
  const [inspected = ""] = of(/\/cri\/containers\//);
  const status = JSON.parse(files[inspected] ?? "");
  expect(status.status).toMatchObject({ metadata: { name: "main" }, state: "CONTAINER_RUNNING" });
  expect(files[of(/daemon\.log$/)[0] ?? ""]).toMatch(/last: token=<removed>/);
  const told = Object.entries(files).filter(([, text]) => {
    return text.includes(planted) || text.includes(Buffer.from(planted).toString("base64"));
  });
  expect(told).toEqual([]);
  // The names of what was left out are there.
  expect(Object.values(files).join("\n")).toContain("DB_PASSWORD=<removed>");
});

test("an archive on stdout comes alone", async () => {
  const { stderr, code } = await runBin(["support-bundle", "-r", endpoint, "-f", "-"]);
  expect(stderr).toMatch(/^PART +FILES +SIZE/);
  expect(code).toBe(0);
});
