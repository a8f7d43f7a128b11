import { readdir, readFile, stat } from "node:fs/promises";
import { arch, type as osType, release, totalmem, uptime } from "node:os";
import { join } from "node:path";
import { createCni, loadNetworks } from "@dockershim/cni";
import {
  ContainerStatusResponseSchema,
  ListContainerStatsResponseSchema,
  ListContainersResponseSchema,
  ListImagesResponseSchema,
  ListPodSandboxResponseSchema,
  PodSandboxStatusResponseSchema,
  StatusResponseSchema,
  VersionResponseSchema,
} from "@dockershim/cri-types";
import { TYPE_LABEL } from "@dockershim/pod-sandbox";
import { judgeNode } from "../check/all-checks.js";
import { countVerdicts } from "../check/check-report.js";
import { gatherChecks } from "../check/gather-checks.js";
import { messageOf } from "../cli-error.js";
import { cliVersion } from "../cli-version.js";
import { runProgram } from "../machine/run-program.js";
import { cniCacheOf } from "../node/open-node.js";
import { findRemains } from "../node-remains/find-remains.js";
import { remainKinds, usualMinAgeMs } from "../node-remains/remain.js";
import { messageToObject } from "../output/output-format.js";
import { readInfo } from "../runtime/verbose-info.js";
import type { BundlePart, BundleSource } from "./bundle-part.js";

/** Of how many pods and containers there are details. */
const maxDetails = 300;

/** A file that is longer is no configuration. */
const maxFileBytes = 1_048_576;

/** All of it, the most telling first: where the bundle becomes full, the last are left out. */
export const bundleParts: readonly BundlePart[] = [
  {
    name: "versions",
    about: "versions of the command, the runtime, the engine and the system",
    async collect({ node }) {
      const runtime = await node.client?.runtime.version({}).catch((error) => describe(error));
      return {
        "versions.json": {
          client: { version: cliVersion, node: process.versions.node },
          runtime:
            runtime === undefined || "error" in runtime
              ? (runtime ?? null)
              : messageToObject(VersionResponseSchema, runtime),
          engine: (await node.docker?.version().catch(describe)) ?? null,
          system: {
            ...{ type: osType(), release: release(), arch: arch() },
            ...{ memoryBytes: totalmem(), uptimeSeconds: Math.round(uptime()) },
            osRelease: await readIf(join(node.root, "/etc/os-release")),
          },
        },
      };
    },
  },
  {
    name: "check",
    about: "what `dockershim check` finds",
    async collect({ node, configFile, now }) {
      const facts = await gatherChecks({
        ...{ root: node.root, path: node.path, procDir: join(node.root, "/proc"), now },
        ...{ flags: {}, kubeletConfig: undefined, deep: undefined },
        configFile: (await isFile(configFile)) ? configFile : undefined,
        endpoint: node.runtime.endpoint,
      });
      const checks = judgeNode(facts);
      return { "check.json": { checks, counts: countVerdicts(checks) } };
    },
  },
  {
    name: "status",
    about: "the runtime's conditions, options and details",
    async collect({ node: { client } }) {
      if (client === undefined) throw new Error("nobody serves");
      const status = await client.runtime.status({ verbose: true });
      const info = readInfo(status.info);
      return { "status.json": { ...messageToObject(StatusResponseSchema, status), info } };
    },
  },
  {
    name: "config",
    about: "configuration of the daemon, the engine and the kubelet",
    async collect({ node, configFile }) {
      const { root, kubelet } = node;
      const found = {
        "config/dockershim.yaml": await readConfig(join(root, configFile)),
        "config/docker-daemon.json": await readConfig(join(root, "/etc/docker/daemon.json")),
        "config/kubelet.yaml": await readConfig(join(root, kubelet.configFile)),
        "config/crictl.yaml": await readConfig(join(root, "/etc/crictl.yaml")),
      };
      return Object.fromEntries(
        Object.entries(found).map(([path, content]) => [
          path,
          content ?? "there is no such file\n",
        ]),
      );
    },
  },
  {
    name: "engine",
    about: "what Docker says of itself",
    async collect({ node: { docker, dockerProblem, runtime } }) {
      if (docker === undefined) return noEngine(runtime.kind, dockerProblem);
      return {
        "engine/info.json": await docker.info(),
        "engine/version.json": await docker.version(),
      };
    },
  },
  {
    name: "pods",
    about: "pods, containers, images and figures, as the runtime lists them",
    async collect({ node: { client } }) {
      if (client === undefined) throw new Error("nobody serves");
      const { runtime, image } = client;
      return {
        "cri/pods.json": messageToObject(
          ListPodSandboxResponseSchema,
          await runtime.listPodSandbox({}),
        ),
        "cri/containers.json": messageToObject(
          ListContainersResponseSchema,
          await runtime.listContainers({}),
        ),
        "cri/images.json": messageToObject(ListImagesResponseSchema, await image.listImages({})),
        "cri/stats.json": await runtime
          .listContainerStats({})
          .then((stats) => messageToObject(ListContainerStatsResponseSchema, stats), describe),
      };
    },
  },
  {
    name: "daemon-log",
    about: "the daemon's log",
    keep: "end",
    async collect(source) {
      const { logFile } = source;
      if (logFile !== undefined) return { "log/daemon.log": await readTail(logFile) };
      return { "log/daemon.log": await readJournal(source, ["--unit=dockershim.service"]) };
    },
  },
  {
    name: "metrics",
    about: "the daemon's metrics",
    async collect({ node: { options, runtime } }) {
      const address = options.metricsBindAddr;
      if (runtime.kind !== "dockershim") throw new Error("the daemon does not run");
      if (address === "") throw new Error("metricsBindAddr is not set");
      const reply = await fetch(`http://${address}/metrics`, {
        signal: AbortSignal.timeout(5_000),
      });
      return { "metrics.txt": await reply.text() };
    },
  },
  {
    name: "network",
    about: "CNI configuration and results, addresses, routes and rules of the node",
    async collect({ node }) {
      const { root, path, options } = node;
      const { networks, rejected } = await loadNetworks(join(root, options.cniConfDir));
      const cni = createCni({ binDirs: [], cacheDir: cniCacheOf(node) });
      const results = await cni.cachedAttachments().finally(() => cni.close());
      const tell = async (program: string, ...args: string[]): Promise<string> =>
        textOf(await runProgram(program, args, { path, timeoutMs: 5_000 }));
      return {
        "network/networks.json": networks.map(({ text, file }) => ({
          file,
          config: JSON.parse(text),
        })),
        "network/rejected.json": rejected.map(({ file, error }) => ({
          file,
          error: error.message,
        })),
        "network/plugins.json": await listPlugins(root, options.cniBinDirs),
        // Without the configuration that each was made with, which is encoded.
        "network/results.json": results.map(({ configText: _, args: __, ...result }) => result),
        "network/addresses.txt": await tell("ip", "address"),
        "network/routes.txt": await tell("ip", "route", "show", "table", "all"),
        "network/iptables.txt": await tell("iptables-save"),
      };
    },
  },
  {
    name: "node",
    about: "cgroups, memory, disks and the kernel's log",
    keep: "end",
    async collect({ node: { root, path } }) {
      const read = (file: string): Promise<string> => readIf(join(root, file));
      const tell = async (program: string, ...args: string[]): Promise<string> =>
        textOf(
          await runProgram(program, args, { path, timeoutMs: 5_000, maxBytes: 16 * maxFileBytes }),
        );
      const mounts = await read("/proc/self/mountinfo");
      return {
        "node/cgroups.txt": await readSeveral(root, [
          "/proc/cgroups",
          "/proc/self/cgroup",
          "/sys/fs/cgroup/cgroup.controllers",
          "/sys/fs/cgroup/cgroup.subtree_control",
        ]),
        "node/cgroup-mounts.txt": mounts
          .split("\n")
          .filter((line) => line.includes(" - cgroup"))
          .join("\n"),
        "node/memory.txt": await readSeveral(root, [
          "/proc/meminfo",
          "/proc/loadavg",
          "/proc/swaps",
        ]),
        "node/pressure.txt": await readSeveral(root, [
          "/proc/pressure/cpu",
          "/proc/pressure/memory",
          "/proc/pressure/io",
        ]),
        "node/disks.txt": `${await tell("df", "-hT")}\n${await tell("df", "-i")}`,
        "node/modules.txt": await read("/proc/modules"),
        "node/dmesg.txt": (await tell("dmesg", "--ctime")).split("\n").slice(-1_000).join("\n"),
      };
    },
  },
  {
    name: "left",
    about: "what `dockershim gc` finds",
    async collect({ node, now }) {
      const found = await findRemains(node, remainKinds, now() - usualMinAgeMs);
      return {
        "gc.json": found.map(({ kind, remains, skipped }) => ({
          kind: kind.name,
          remains,
          skipped,
        })),
      };
    },
  },
  {
    name: "other-logs",
    about: "logs of Docker, containerd and the kubelet",
    keep: "end",
    async collect(source) {
      return {
        "log/docker.log": await readJournal(source, [
          "--unit=docker.service",
          "--unit=containerd.service",
        ]),
        "log/kubelet.log": await readJournal(source, ["--unit=kubelet.service"]),
      };
    },
  },
  {
    name: "statuses",
    about: `details of up to ${maxDetails} pods and containers, as the runtime tells them`,
    async collect({ node: { client } }) {
      if (client === undefined) throw new Error("nobody serves");
      const { runtime } = client;
      const { items } = await runtime.listPodSandbox({});
      const { containers } = await runtime.listContainers({});
      const files: Record<string, object> = {};
      for (const { id } of items.slice(0, maxDetails)) {
        files[`cri/pods/${name(id)}.json`] = await runtime
          .podSandboxStatus({ podSandboxId: id, verbose: true })
          .then(
            (status) => ({
              ...messageToObject(PodSandboxStatusResponseSchema, status),
              info: readInfo(status.info),
            }),
            describe,
          );
      }
      for (const { id } of containers.slice(0, maxDetails)) {
        files[`cri/containers/${name(id)}.json`] = await runtime
          .containerStatus({ containerId: id, verbose: true })
          .then(
            (status) => ({
              ...messageToObject(ContainerStatusResponseSchema, status),
              info: readInfo(status.info),
            }),
            describe,
          );
      }
      return files;
    },
  },
  {
    name: "inspects",
    about: `what Docker tells of up to ${maxDetails} containers of pods`,
    async collect({ node: { docker, dockerProblem, runtime } }) {
      if (docker === undefined) return noEngine(runtime.kind, dockerProblem);
      const list = await docker.containers.list({ all: true, filters: { label: [TYPE_LABEL] } });
      const files: Record<string, object> = {};
      for (const { Id: id } of list.slice(0, maxDetails)) {
        files[`engine/containers/${name(id)}.json`] = await docker.containers
          .inspect(id)
          .catch(describe);
      }
      return files;
    },
  },
];

/** Where another runtime serves there is no Docker to ask; otherwise it should have answered. */
function noEngine(kind: string, problem: string): undefined {
  if (kind !== "other") throw new Error(problem);
  return undefined;
}

const name = (id: string): string => id.replace(/[^A-Za-z0-9_.-]/g, "").slice(0, 13);

const describe = (error: unknown): { readonly error: string } => ({
  error: messageOf(error),
});

async function isFile(file: string): Promise<boolean> {
  return await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function readIf(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error) => `cannot be read: ${error.code}\n`);
  return text.slice(0, maxFileBytes);
}

async function readSeveral(root: string, files: readonly string[]): Promise<string> {
  const texts = await Promise.all(
    files.map(async (file) => `==> ${file}\n${(await readIf(join(root, file))).trimEnd()}\n`),
  );
  return texts.join("\n");
}

/** As what it says, so that keys tell what is secret; as text where it says nothing that can be read. */
async function readConfig(file: string): Promise<object | string | undefined> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) =>
    error.code === "ENOENT" ? undefined : `cannot be read: ${error.code}\n`,
  );
  if (text === undefined) return undefined;
  const { parse } = await import("yaml");
  try {
    const content: unknown = parse(text.slice(0, maxFileBytes));
    return typeof content === "object" && content !== null ? content : text;
  } catch {
    return text.slice(0, maxFileBytes);
  }
}

async function readTail(file: string): Promise<string> {
  const text = await readFile(file, "utf8");
  return text.slice(-16 * maxFileBytes);
}

async function readJournal(
  { node, sinceMs, now }: BundleSource,
  units: readonly string[],
): Promise<string> {
  const since = `--since=@${Math.round((now() - sinceMs) / 1_000)}`;
  const args = [...units, since, "--lines=20000", "--no-pager", "--output=short-iso-precise"];
  const options = { path: node.path, timeoutMs: 15_000, maxBytes: 16 * maxFileBytes };
  const outcome = await runProgram("journalctl", args, options);
  if (outcome.code !== 0) throw new Error(outcome.stderr || "journalctl failed");
  return outcome.stdout;
}

function textOf({ code, stdout, stderr }: Awaited<ReturnType<typeof runProgram>>): string {
  return code === 0 ? stdout : `${stdout}failed: ${stderr}\n`;
}

async function listPlugins(root: string, dirs: readonly string[]): Promise<object> {
  const found = await Promise.all(
    dirs.map(async (dir) => [dir, await readdir(join(root, dir)).catch(describe)] as const),
  );
  return Object.fromEntries(found);
}
