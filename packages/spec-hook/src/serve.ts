import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { openBundle, othersProblem } from "./bundle.js";
import type { OciSpec } from "./oci-spec.js";
import { loadReadPeer, type ReadPeer, requireNodesRoot } from "./peer.js";
import { SpecHookError } from "./spec-hook-error.js";

/** Where hooks look for whoever knows their container; the program has the same path in it. */
const meetingPlace = "/run/dockershim/spec-hook";

/** A path of the kernel's, at most. */
const maxQuestionBytes = 4096 + 64;
/** The hook says its question at once, so whoever does not is not a hook. */
const questionPatienceMs = 5_000;
/** The hook reads this much of an answer. */
const maxAnswerBytes = 1_000;

/** A start of a container that waits for its spec. */
export interface HookedStart {
  /** Path of the container's bundle; what is mounted on `rootfs` in it, containerd unmounts when the container ends. */
  readonly bundle: string;
  /** Aborted when the hook has given up: its patience is ten seconds. */
  readonly signal: AbortSignal;
}

/** Whose hooks are served, and what they do. */
export interface SpecHookOptions {
  /** Tells this process from others on the node that serve hooks: letters, digits and dashes. */
  readonly name: string;
  /**
   * Says what becomes of a container's spec. Called when a container that was announced is about to be made, once per
   * start; it may change the spec that it is given.
   *
   * @param start Which start it is about.
   * @throws Whatever it throws keeps the container from starting; the message becomes part of Docker's error.
   */
  complete(id: string, spec: OciSpec, start: HookedStart): OciSpec | Promise<OciSpec>;
  /** Called with each container that was refused, and why. */
  readonly onRefused?: (id: string | undefined, reason: unknown) => void;
  /** A folder, by its absolute path, that is there for as long as the name is used; see {@link SpecHook.forgetLost}. */
  readonly root?: string;
  /** Default `/run/dockershim/spec-hook`, where the program looks. */
  readonly directory?: string;
}

/** Answers the hooks of containers. */
export interface SpecHook {
  /**
   * Says that this process answers for a container. Nothing happens where it does already.
   *
   * @throws Error of the file system; SpecHookError `unsafe_folder` where others than root could answer
   */
  announce(id: string): void;
  /** Takes that back: such a container cannot be started any more. */
  withdraw(id: string): void;
  /** Containers that were announced under this name, also by an earlier process. */
  announced(): string[];
  /**
   * Removes what was announced under names whose {@link SpecHookOptions.root} is there no more: nobody will answer for
   * it. What has no such folder stays.
   *
   * @throws Error of the file system
   */
  forgetLost(): void;
  close(): Promise<void>;
}

/**
 * Answers hooks. Nothing is opened before the first container is announced.
 *
 * The directory has one link per announced container, which leads to the socket: so several processes share it, and a
 * hook finds the one that knows its container by the container's id alone.
 */
export function serveSpecHook(options: SpecHookOptions): SpecHook {
  const { name, onRefused, directory = meetingPlace } = options;
  const socketName = socketOf(name);
  const open = new Set<Socket>();
  let server: Server | undefined;
  let peers: Promise<ReadPeer> | undefined;

  async function answer(socket: Socket): Promise<void> {
    let id: string | undefined;
    const gone = new AbortController();
    socket.once("close", () => gone.abort());
    try {
      peers ??= loadReadPeer();
      const question = readQuestion(socket);
      const [readPeer, path] = await Promise.all([peers, question]);
      requireNodesRoot(readPeer(socket));
      const bundle = openBundle(path);
      id = bundle.id;
      if (!isAnnounced(id)) throw new SpecHookError("not_a_bundle", `container ${id} is not known`);
      const start = { bundle: bundle.path, signal: gone.signal };
      const spec = await options.complete(id, bundle.spec, start);
      gone.signal.throwIfAborted();
      bundle.replace(spec);
      socket.end("ok\n");
    } catch (err) {
      onRefused?.(id, err);
      const reason = err instanceof Error ? err.message : String(err);
      const line = reason.replace(/[\r\n]+/g, " ");
      socket.end(`${Buffer.from(line).subarray(0, maxAnswerBytes).toString()}\n`);
    }
  }

  function isAnnounced(id: string, by = socketName): boolean {
    try {
      return readlinkSync(join(directory, id)) === by;
    } catch {
      return false;
    }
  }

  function entries(): string[] {
    try {
      return readdirSync(directory);
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw err;
    }
  }

  function remove(entry: string): void {
    rmSync(join(directory, entry), { force: true });
  }

  function link(entry: string, target: string): void {
    remove(entry);
    symlinkSync(target, join(directory, entry));
  }

  function listen(): void {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    chmodSync(directory, 0o700);
    // Also what was there before: a link in it decides who answers for a container.
    const problem = othersProblem(directory);
    if (problem !== undefined) throw new SpecHookError("unsafe_folder", problem);
    if (options.root !== undefined) link(`${name}${rootSuffix}`, options.root);
    const path = join(directory, socketName);
    const created = createServer((socket) => {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      // A hook that goes away in the middle is seen by its closing.
      socket.on("error", () => {});
      void answer(socket);
    });
    // Two processes of one name are kept apart by whoever gives the name, so what is there is a dead one's.
    rmSync(path, { force: true });
    created.on("error", (err) => onRefused?.(undefined, err));
    const mask = process.umask(0o177);
    try {
      created.listen({ path });
    } finally {
      process.umask(mask);
    }
    // Pods must not keep a daemon from ending.
    created.unref();
    server = created;
  }

  return {
    announce(id) {
      if (server === undefined) listen();
      if (!isAnnounced(id)) link(id, socketName);
    },
    withdraw(id) {
      if (isAnnounced(id)) remove(id);
    },
    announced: () => entries().filter((entry) => isAnnounced(entry)),
    forgetLost() {
      const all = entries();
      for (const entry of all) {
        if (!entry.endsWith(rootSuffix) || leadsSomewhere(join(directory, entry))) continue;
        const lost = socketOf(entry.slice(0, -rootSuffix.length));
        for (const other of all) if (isAnnounced(other, lost)) remove(other);
        remove(lost);
        // Last: whoever is killed before will be followed by one who finds it.
        remove(entry);
      }
    },
    async close() {
      const closing = server;
      server = undefined;
      if (closing === undefined) return;
      await new Promise((resolve) => {
        closing.close(resolve);
        for (const socket of open) socket.destroy();
      });
    },
  };
}

/** What a process is reached by. */
const socketOf = (name: string): string => `${name}.sock`;

/** Beside it there is a link of this name that leads to the process' root folder. */
const rootSuffix = ".root";

/** @returns Also true where that cannot be told. */
function leadsSomewhere(link: string): boolean {
  try {
    return statSync(link, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

const question = /^spec-hook 1 (\/[^\n]*)\n$/;

async function readQuestion(socket: Socket): Promise<string> {
  const late = AbortSignal.timeout(questionPatienceMs);
  let text = "";
  socket.setEncoding("utf8");
  await new Promise<void>((resolve, reject) => {
    const fail = () => reject(new SpecHookError("bad_question", "nothing was asked in time"));
    late.addEventListener("abort", fail, { once: true });
    socket.once("close", fail);
    socket.once("end", () => resolve());
    socket.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n") || text.length > maxQuestionBytes) resolve();
    });
  });
  const [, path] = question.exec(text) ?? [];
  if (path !== undefined) return path;
  const start = JSON.stringify(text.slice(0, 20));
  throw new SpecHookError("bad_question", `${start} is no question of this version of the hook`);
}
