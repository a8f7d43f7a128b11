import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createCriClient } from "@dockershim/cri-client";
import { labVariable, until } from "@dockershim/testing";
import { runBin } from "./dockershim-bin.js";

/** What its pods' sandboxes are made of: the lab's image with a command that goes on. */
const pauseImage = `test.invalid/pause:${process.pid}`;

/**
 * Debian's containerd with the lab's image and network, as a CRI runtime that is not ours.
 *
 * @throws Error with containerd's log when it does not serve.
 */
export async function startContainerd() {
  const dir = await mkdtemp(join(tmpdir(), "cli-containerd-"));
  const address = join(dir, "containerd.sock");
  const endpoint = `unix://${address}`;
  const archive = join(dir, "images.tar");
  await saveImages(archive);
  await writeFile(join(dir, "config.toml"), configOf(dir, address));
  const daemon = spawn("containerd", ["--config", join(dir, "config.toml")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  daemon.stderr.on("data", (data) => {
    log += data;
  });
  const ended = once(daemon, "close");
  const client = createCriClient({ endpoint });
  const dockershim = (...args: string[]) => runBin(args, { CONTAINER_RUNTIME_ENDPOINT: endpoint });
  await until(() => client.runtime.version({}).catch(() => undefined)).catch((err) => {
    throw new Error(`containerd does not serve: ${log}`, { cause: err });
  });
  const load = async (file: string): Promise<void> => {
    const all = ["--address", address, "--namespace", "k8s.io", "images", "import", file];
    const [code] = await once(spawn("ctr", all), "close");
    if (code !== 0) throw new Error(`ctr cannot load ${file}: ${log}`);
  };
  await load(archive);
  return {
    endpoint,
    client,
    dockershim,
    /** Takes in images out of an archive of `docker save`. */
    async load(content: Uint8Array): Promise<void> {
      const file = join(dir, "further.tar");
      await writeFile(file, content);
      await load(file);
    },
    /** Runs a pod with a container `main`. */
    async startPod(name: string, command: readonly string[]): Promise<void> {
      const pod = {
        metadata: { name, namespace: "default", uid: `uid-${name}` },
        log_directory: join(dir, "logs", name),
        linux: {},
      };
      const container = {
        metadata: { name: "main" },
        image: { image: labVariable("LAB_IMAGE") },
        command,
        log_path: "main.log",
        linux: { resources: { memory_limit_in_bytes: 67_108_864 } },
      };
      const files = [join(dir, `${name}.json`), join(dir, `${name}-main.json`)] as const;
      await writeFile(files[0], JSON.stringify(pod));
      await writeFile(files[1], JSON.stringify(container));
      const { code, stderr } = await dockershim("run", ...files);
      if (code !== 0) throw new Error(`${stderr}\n${log}`);
    },
    async close() {
      const { items } = await client.runtime.listPodSandbox({});
      for (const { id } of items) {
        await client.runtime.stopPodSandbox({ podSandboxId: id });
        await client.runtime.removePodSandbox({ podSandboxId: id });
      }
      client.close();
      daemon.kill();
      await ended;
      await rm(dir, { recursive: true });
    },
  };
}

function configOf(dir: string, address: string): string {
  return `
version = 2
root = "${dir}/root"
state = "${dir}/state"
[grpc]
  address = "${address}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = "${labVariable("LAB_CNI_CONF_DIR")}"
    bin_dir = "${labVariable("LAB_CNI_BIN_DIR")}"
`;
}

/** The lab's image and the one for sandboxes, as an archive of `docker save`. */
async function saveImages(archive: string): Promise<void> {
  const image = labVariable("LAB_IMAGE");
  const created = await ask("POST", "/containers/create", {
    Image: image,
    Cmd: ["sleep", "1000000"],
  });
  const { Id: id } = (await json(created)) as { Id: string };
  const [repo = "", tag = ""] = pauseImage.split(":");
  const committed = await ask("POST", `/commit?container=${id}&repo=${repo}&tag=${tag}`, {
    Cmd: ["sleep", "1000000"],
  });
  // A reply that nobody reads keeps its socket, and so this process.
  committed.resume();
  await ask("DELETE", `/containers/${id}`);
  const names = [image, pauseImage].map((name) => `names=${encodeURIComponent(name)}`).join("&");
  await pipeline(await ask("GET", `/images/get?${names}`), createWriteStream(archive));
  await ask("DELETE", `/images/${pauseImage}`);
}

/** A request to the lab's engine. */
async function ask(method: string, path: string, body?: object): Promise<IncomingMessage> {
  const socketPath = labVariable("LAB_DOCKER_ENDPOINT").replace("unix://", "");
  const headers = { "content-type": "application/json" };
  const sent = request({ socketPath, method, path, headers });
  sent.end(body && JSON.stringify(body));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const { statusCode = 0 } = response;
  if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode}`);
  if (method === "DELETE") response.resume();
  return response;
}
