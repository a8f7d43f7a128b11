import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EventLog } from "./event-log.ts";
import { EngineRefusal } from "./refusal.ts";

/** What an app asks for in `POST /containers/create`, as far as the fake looks at it. */
export interface CreateBody {
  readonly Image: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly HostConfig?: { readonly NetworkMode?: string; readonly PidMode?: string };
}

export type Status = "created" | "running" | "paused" | "exited" | "removing";

/** A container of the fake engine. */
export interface FakeContainer {
  readonly id: string;
  /** Without Docker's slash. */
  name: string;
  readonly body: CreateBody;
  readonly imageId: string;
  readonly created: string;
  status: Status;
  pid: number;
  exitCode: number;
  /** Why it could not be started. */
  error: string;
  startedAt: string;
  finishedAt: string;
  /** Settles when it has been removed. */
  readonly removed: PromiseWithResolvers<void>;
  /** Settles at the end of the process that runs, or is the next to run. */
  ended: PromiseWithResolvers<void>;
}

/** The containers of a fake engine, and what can be done to them. */
export interface FakeContainers {
  all(): FakeContainer[];
  /** By id, beginning of an id, or name. @throws EngineRefusal 404. */
  get(ref: string): FakeContainer;
  find(ref: string): FakeContainer | undefined;
  create(name: string, body: CreateBody): FakeContainer;
  /** Begins a creation that takes until it is finished: until then it has its name, and is not to be found. */
  beginCreation(name: string, body: CreateBody): FakeContainer;
  finishCreation(container: FakeContainer): void;
  /** @returns False when it ran already. */
  start(ref: string): boolean;
  /** @returns False when it did not run. */
  stop(ref: string, exitCode: number): boolean;
  kill(ref: string, signal: string): void;
  /** The process ends of itself. */
  exit(ref: string, exitCode: number): void;
  pause(ref: string): void;
  unpause(ref: string): void;
  rename(ref: string, name: string): void;
  remove(ref: string, force: boolean): void;
  /** Begins a removal that takes until {@link finishRemoval}. */
  beginRemoval(ref: string): void;
  finishRemoval(ref: string): void;
  inspect(ref: string): object;
  summary(container: FakeContainer): object;
}

const never = "0001-01-01T00:00:00Z";

/** No process has such an id: Linux gives none above 4,194,304. */
const firstPid = 5_000_000;

/**
 * @param dir Where containers' own files are.
 * @param imageId The id of an image that a create names. @throws EngineRefusal 404 for none.
 */
export function createFakeContainers(
  dir: string,
  events: EventLog,
  imageId: (ref: string) => string,
): FakeContainers {
  const byId = new Map<string, FakeContainer>();
  const inCreation = new Set<FakeContainer>();
  let pids = firstPid;
  const now = (): string => new Date().toISOString().replace("Z", "000000Z");

  function tell(container: FakeContainer, action: string, more: Record<string, string> = {}): void {
    events.add("container", action, container.id, {
      ...container.body.Labels,
      image: container.body.Image,
      name: container.name,
      ...more,
    });
  }

  function find(ref: string): FakeContainer | undefined {
    const exact = byId.get(ref);
    if (exact !== undefined) return exact;
    const all = [...byId.values()];
    return (
      all.find(({ name }) => name === ref.replace(/^\//, "")) ??
      all.find(({ id }) => /^[\da-f]{12,}$/.test(ref) && id.startsWith(ref))
    );
  }

  function get(ref: string): FakeContainer {
    const found = find(ref);
    if (found === undefined) throw new EngineRefusal(404, `No such container: ${ref}`);
    return found;
  }

  function requireFree(name: string): void {
    const all = [...byId.values(), ...inCreation];
    const holder = all.find((container) => container.name === name);
    if (holder === undefined) return;
    throw new EngineRefusal(
      409,
      `Conflict. The container name "/${name}" is already in use by container "${holder.id}". ` +
        "You have to remove (or rename) that container to be able to reuse that name.",
    );
  }

  /** Another's network can be joined only while that runs. */
  function requireJoined({ body }: FakeContainer): void {
    const ref = /^container:(.*)$/.exec(body.HostConfig?.NetworkMode ?? "")?.[1];
    if (ref === undefined) return;
    const { name, status } = get(ref);
    if (status === "running") return;
    throw new EngineRefusal(
      409,
      `cannot join network namespace of a non running container: container ${name} is ${status}`,
    );
  }

  function end(container: FakeContainer, exitCode: number): void {
    Object.assign(container, { status: "exited", pid: 0, exitCode, finishedAt: now() });
    tell(container, "die", { exitCode: String(exitCode) });
    container.ended.resolve();
    // The kernel kills all of a process namespace with its first process.
    for (const each of byId.values()) {
      const joins = each.body.HostConfig?.PidMode === `container:${container.id}`;
      if (joins && each.status === "running") end(each, 137);
    }
  }

  function dispose(container: FakeContainer): void {
    byId.delete(container.id);
    tell(container, "destroy");
    container.removed.resolve();
  }

  const fileOf = (id: string, name: string): string => join(dir, "containers", id, name);

  function beginCreation(name: string, body: CreateBody): FakeContainer {
    const image = imageId(body.Image);
    requireFree(name);
    const container: FakeContainer = {
      id: randomBytes(32).toString("hex"),
      name,
      body,
      imageId: image,
      created: now(),
      status: "created",
      pid: 0,
      exitCode: 0,
      error: "",
      startedAt: never,
      finishedAt: never,
      removed: Promise.withResolvers(),
      ended: Promise.withResolvers(),
    };
    inCreation.add(container);
    return container;
  }

  function finishCreation(container: FakeContainer): void {
    mkdirSync(fileOf(container.id, ""), { recursive: true });
    inCreation.delete(container);
    byId.set(container.id, container);
    tell(container, "create");
  }

  return {
    all: () => [...byId.values()],
    get,
    find,
    create(name, body) {
      const container = beginCreation(name, body);
      finishCreation(container);
      return container;
    },
    beginCreation,
    finishCreation,
    start(ref) {
      const container = get(ref);
      if (container.status === "running") return false;
      if (container.status === "removing") {
        throw new EngineRefusal(409, "container is marked for removal and cannot be started");
      }
      try {
        requireJoined(container);
      } catch (err) {
        Object.assign(container, { exitCode: 128, error: (err as EngineRefusal).message });
        throw err;
      }
      writeFileSync(fileOf(container.id, "resolv.conf"), "nameserver 192.0.2.1\n");
      writeFileSync(fileOf(container.id, logOf(container)), "");
      Object.assign(container, { status: "running", pid: pids++, exitCode: 0, error: "" });
      container.startedAt = now();
      container.ended = Promise.withResolvers();
      tell(container, "start");
      return true;
    },
    stop(ref, exitCode) {
      const container = get(ref);
      if (container.status !== "running") return false;
      tell(container, "kill", { signal: "15" });
      if (exitCode === 137) tell(container, "kill", { signal: "9" });
      end(container, exitCode);
      tell(container, "stop");
      return true;
    },
    kill(ref, signal) {
      const container = get(ref);
      if (container.status !== "running") {
        throw new EngineRefusal(
          409,
          `cannot kill container: ${ref}: container ${container.id} is not running`,
        );
      }
      tell(container, "kill", { signal });
      end(container, 137);
    },
    exit: (ref, exitCode) => end(get(ref), exitCode),
    pause(ref) {
      const container = get(ref);
      if (container.status === "paused") {
        throw new EngineRefusal(409, `Container ${container.id} is already paused`);
      }
      container.status = "paused";
      tell(container, "pause");
    },
    unpause(ref) {
      const container = get(ref);
      if (container.status !== "paused") {
        throw new EngineRefusal(500, `Container ${container.id} is not paused`);
      }
      container.status = "running";
      tell(container, "unpause");
    },
    rename(ref, name) {
      const container = get(ref);
      requireFree(name);
      const oldName = `/${container.name}`;
      container.name = name;
      tell(container, "rename", { oldName });
    },
    remove(ref, force) {
      const container = get(ref);
      if (container.status === "removing") {
        throw new EngineRefusal(409, `removal of container ${ref} is already in progress`);
      }
      if (container.status === "running") {
        if (!force) {
          throw new EngineRefusal(
            409,
            `cannot remove container "${ref}": container is running: ` +
              "stop the container before removing or force remove",
          );
        }
        tell(container, "kill", { signal: "9" });
        end(container, 137);
      }
      dispose(container);
    },
    beginRemoval(ref) {
      get(ref).status = "removing";
    },
    finishRemoval: (ref) => dispose(get(ref)),
    inspect(ref) {
      const container = get(ref);
      const { HostConfig = {}, ...config } = container.body;
      const { status } = container;
      return {
        Id: container.id,
        Name: `/${container.name}`,
        Created: container.created,
        Path: "sh",
        Args: [],
        State: {
          Status: status,
          Running: status === "running" || status === "paused",
          Paused: status === "paused",
          Restarting: false,
          OOMKilled: false,
          Dead: false,
          Pid: container.pid,
          ExitCode: container.exitCode,
          Error: container.error,
          StartedAt: container.startedAt,
          FinishedAt: container.finishedAt,
        },
        Image: container.imageId,
        ResolvConfPath: container.startedAt === never ? "" : fileOf(container.id, "resolv.conf"),
        HostnamePath: "",
        HostsPath: "",
        LogPath: container.startedAt === never ? "" : fileOf(container.id, logOf(container)),
        RestartCount: 0,
        Driver: "overlay2",
        Platform: "linux",
        MountLabel: "",
        ProcessLabel: "",
        AppArmorProfile: "",
        ExecIDs: null,
        HostConfig,
        Mounts: [],
        Config: {
          Hostname: container.id.slice(0, 12),
          User: "",
          Tty: false,
          OpenStdin: false,
          StdinOnce: false,
          WorkingDir: "",
          ...config,
        },
        NetworkSettings: { SandboxKey: "", Ports: {}, Networks: networksOf(HostConfig) },
      };
    },
    summary(container) {
      const { id, name, body, status } = container;
      return {
        Id: id,
        Names: [`/${name}`],
        Image: body.Image,
        ImageID: container.imageId,
        Command: "sh",
        Created: Math.floor(Date.parse(container.created) / 1000),
        Ports: [],
        Labels: body.Labels ?? {},
        State: status,
        Status: status === "exited" ? `Exited (${container.exitCode}) 1 second ago` : status,
        HostConfig: { NetworkMode: body.HostConfig?.NetworkMode ?? "default" },
        NetworkSettings: { Networks: networksOf(body.HostConfig ?? {}) },
        Mounts: [],
      };
    },
  };
}

/** Docker's name of a json-file log. */
function logOf({ id }: FakeContainer): string {
  return `${id}-json.log`;
}

/** The engine's own networks; a container that has another's namespace is in none. */
function networksOf({ NetworkMode: mode = "bridge" }: { NetworkMode?: string }): object {
  if (mode.startsWith("container:")) return {};
  return { [mode]: { NetworkID: createHash("sha256").update(mode).digest("hex"), IPAddress: "" } };
}
