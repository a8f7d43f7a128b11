import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SeenRequest } from "../fake-engine.ts";
import { tarOfFiles } from "../tar.ts";
import type { CreateBody, FakeContainer, FakeContainers } from "./containers.ts";
import type { FakeImages } from "./images.ts";
import { EngineRefusal } from "./refusal.ts";

/** What an engine answers. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  /** A body that is not JSON. */
  readonly raw?: Uint8Array;
  /** The body of an answer whose head is sent ahead of it. */
  readonly later?: Promise<unknown>;
}

interface Engine {
  readonly containers: FakeContainers;
  readonly images: FakeImages;
}

/** Does what a request asks for. @throws EngineRefusal */
export function answer(
  { containers, images }: Engine,
  { method, path, query }: SeenRequest,
  body: Buffer,
): Answer {
  const [, kind = "", first = "", ...rest] = path.split("/").map(decodeURIComponent);
  if (kind === "info") return { status: 200, body: info };
  if (kind === "images") {
    if (method === "POST" && first === "load") {
      images.load(body);
      return { status: 200, body: { stream: "Loaded image" } };
    }
    if (first === "json") return { status: 200, body: images.list() };
    const ref = [first, ...rest].join("/").replace(/\/json$/, "");
    if (method === "GET") return { status: 200, body: images.inspect(ref) };
  }
  if (kind !== "containers") throw new EngineRefusal(404, "page not found");
  if (first === "json") return { status: 200, body: listed(containers, query) };
  if (first === "create") {
    const { id } = containers.create(
      query.get("name") ?? "",
      JSON.parse(String(body)) as CreateBody,
    );
    return { status: 201, body: { Id: id, Warnings: [] } };
  }
  switch (`${method} ${rest.join("/")}`.trim()) {
    case "GET json":
      return { status: 200, body: containers.inspect(first) };
    case "POST start":
      return { status: containers.start(first) ? 204 : 304 };
    case "POST stop":
      return { status: containers.stop(first, query.get("t") === "0" ? 137 : 143) ? 204 : 304 };
    case "POST kill":
      containers.kill(first, query.get("signal") ?? "KILL");
      return { status: 204 };
    case "POST pause":
      containers.pause(first);
      return { status: 204 };
    case "POST unpause":
      containers.unpause(first);
      return { status: 204 };
    case "POST checkpoints":
      checkpoint(containers.get(first), JSON.parse(String(body)) as CheckpointBody);
      return { status: 201 };
    case "GET changes":
      containers.get(first);
      return { status: 200, body: [{ Path: "/made", Kind: 1 }] };
    case "GET export":
      containers.get(first);
      return { status: 200, raw: tarOfFiles({ "bin/sh": "of the image", made: "here" }) };
    case "POST rename":
      containers.rename(first, query.get("name") ?? "");
      return { status: 204 };
    case "POST update":
      Object.assign(containers.get(first).body.HostConfig ?? {}, JSON.parse(String(body)));
      return { status: 200, body: { Warnings: [] } };
    case "POST wait":
      return waiting(containers.get(first), query.get("condition"));
    case "DELETE":
      containers.remove(first, isTrue(query.get("force")));
      return { status: 204 };
    default:
      throw new EngineRefusal(404, "page not found");
  }
}

interface CheckpointBody {
  readonly CheckpointID: string;
  readonly CheckpointDir: string;
}

/** One file of CRIU's has to do. */
function checkpoint({ status, id }: FakeContainer, wanted: CheckpointBody): void {
  if (status !== "running" && status !== "paused") {
    throw new EngineRefusal(409, `Container ${id} is not running`);
  }
  const folder = join(wanted.CheckpointDir, wanted.CheckpointID);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "inventory.img"), "images");
}

function waiting(container: FakeContainer, condition: string | null): Answer {
  const { removed, ended } = container;
  const over =
    condition === "removed"
      ? removed.promise
      : condition === "next-exit" || container.status === "running"
        ? ended.promise
        : Promise.resolve();
  return { status: 200, later: over.then(() => ({ StatusCode: container.exitCode })) };
}

function listed(containers: FakeContainers, query: URLSearchParams): object[] {
  const { id: ids, label: labels } = JSON.parse(query.get("filters") ?? "{}") as {
    id?: string[];
    label?: string[];
  };
  return containers
    .all()
    .filter(({ status }) => isTrue(query.get("all")) || status === "running")
    .filter(({ id }) => ids?.some((one) => id.startsWith(one)) ?? true)
    .filter(({ body }) =>
      (labels ?? []).every((wanted) => {
        const [key = "", value] = wanted.split("=");
        const found = body.Labels?.[key];
        return found !== undefined && (value === undefined || found === value);
      }),
    )
    .map((container) => containers.summary(container));
}

function isTrue(flag: string | null): boolean {
  return flag === "1" || flag === "true";
}

const info = {
  ID: "fake",
  Name: "node",
  ServerVersion: "28.5.2",
  OSType: "linux",
  Architecture: "x86_64",
  DockerRootDir: "/nonexistent",
  ExperimentalBuild: true,
  Driver: "overlay2",
  LoggingDriver: "json-file",
  CgroupDriver: "cgroupfs",
  CgroupVersion: "2",
  Runtimes: { runc: { path: "runc" } },
  DefaultRuntime: "runc",
  SecurityOptions: ["name=seccomp,profile=builtin"],
};
