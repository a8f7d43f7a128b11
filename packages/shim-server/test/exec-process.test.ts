import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import { acceptUpgrade, type FakeEngine, frame, json, startFakeEngine } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { within } from "../src/async/within.js";
import { createExecRunner, type ExecRunner } from "../src/exec/exec-process.js";
import type { ContainerEnds } from "../src/state/container-end.js";
import { createExecExits, type ExecExits } from "../src/state/exec-exits.js";
import type { ContainerRecord } from "../src/state/records.js";

type Listener = Parameters<ContainerEnds["onChange"]>[0];

let engine: FakeEngine;
let docker: DockerClient;
let execExits: ExecExits;
let run: ExecRunner;
/** What the engine says of the exec; undefined when it knows none. */
let known: { Running: boolean; ExitCode: number | null; Pid: number } | undefined;
/** The engine's side of the command's connection. */
let connected: Promise<Socket>;
let status: string;
let listeners: Set<Listener>;
/** Whether the engine leaves questions for the exec open. */
let mute: boolean;

beforeEach(async () => {
  known = { Running: true, ExitCode: null, Pid: 0 };
  status = "running";
  mute = false;
  listeners = new Set();
  engine = await startFakeEngine({
    handle: ({ path }, response) => {
      if (path === "/containers/c/exec") return json(response, 201, { Id: "e" });
      if (path === "/exec/e/json" && mute) return;
      if (path !== "/exec/e/json" || known === undefined) {
        return json(response, 404, { message: "No such exec instance" });
      }
      json(response, 200, { ID: "e", ContainerID: "c", ...known });
    },
  });
  connected = new Promise((resolve) => {
    engine.upgrade = (_seen, socket) => {
      acceptUpgrade(socket);
      resolve(socket);
    };
  });
  docker = createDockerClient({ endpoint: engine.endpoint });
  execExits = createExecExits();
  const record = (): ContainerRecord =>
    ({ inspect: { State: { Status: status, StartedAt: "then", Pid: 1 } } }) as ContainerRecord;
  const store: ContainerEnds = {
    container: () => record(),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const log = pino({ level: "silent" });
  run = createExecRunner({ docker, store, execExits, log, killPatienceMs: 50 });
});

afterEach(async () => {
  await docker.close();
  await engine.close();
  expect(listeners.size).toBe(0);
});

const never = new AbortController().signal;
const body = { Cmd: ["true"], AttachStdout: true, AttachStderr: true };

interface Outcome {
  output: string;
  exitCode: number;
}

/** Runs the command. What it wrote is told even if the exit code is not known. */
function start(): { result: Promise<Outcome>; output: Promise<string> } {
  const written = Promise.withResolvers<string>();
  const result = run("c", body, never, async ({ stream, exitCode }) => {
    stream.stderr.resume();
    const output = await text(stream.stdout);
    written.resolve(output);
    return { output, exitCode: await exitCode() };
  });
  result.catch(written.reject);
  return { result, output: written.promise };
}

function endContainer(): void {
  status = "exited";
  for (const listener of listeners) listener({ id: "c", before: undefined, after: undefined });
}

const forgotten = { code: "failed_precondition", message: expect.stringContaining("exit code") };

describe("a command", () => {
  test("has the exit code that its event tells", async () => {
    const { result } = start();
    const socket = await connected;
    socket.end(frame(1, "out"));
    execExits.report("e", 3);
    expect(await result).toEqual({ output: "out", exitCode: 3 });
  });

  test("that could not be found has 127, which the engine confirms", async () => {
    known = { Running: false, ExitCode: 127, Pid: 0 };
    const { result } = start();
    (await connected).end();
    execExits.report("e", 127);
    expect(await result).toEqual({ output: "", exitCode: 127 });
  });

  test("without an event has the exit code that the engine tells when asked", async () => {
    known = { Running: false, ExitCode: 4, Pid: 0 };
    const { result } = start();
    (await connected).end();
    expect(await result).toEqual({ output: "", exitCode: 4 });
  });

  test("that the engine forgot with its container ends, with all that it wrote and no exit code", async () => {
    const { result, output } = start();
    result.catch(() => undefined);
    const socket = await connected;
    socket.write(frame(1, "first "));
    known = undefined;
    endContainer();
    execExits.report("e", 127);
    // Docker 20.10 says no more, and keeps the connection.
    socket.write(frame(1, "last"));
    socket.resume();
    const closed = once(socket, "end");
    expect(await output).toBe("first last");
    await expect(result).rejects.toMatchObject(forgotten);
    await closed;
  });

  test("that is forgotten a while after the end of its container ends, too", async () => {
    const { result } = start();
    result.catch(() => undefined);
    await connected;
    const asked = engine.nextRequest(/^\/exec\/e\/json$/);
    endContainer();
    await asked;
    known = undefined;
    await expect(result).rejects.toMatchObject(forgotten);
  });

  test("that closed its output and was then forgotten has no exit code either", async () => {
    const { result } = start();
    result.catch(() => undefined);
    const asked = engine.nextRequest(/^\/exec\/e\/json$/);
    (await connected).end();
    await asked;
    known = undefined;
    execExits.report("e", 127);
    await expect(result).rejects.toMatchObject(forgotten);
  });

  test("whose caller leaves ends in time, though the engine neither starts it nor tells of it", async () => {
    mute = true;
    engine.upgrade = () => undefined;
    const caller = new AbortController();
    const asked = engine.nextRequest(/^\/exec\/e\/start$/);
    const result = run("c", body, caller.signal, async () => undefined);
    const ended = result.catch((reason) => reason);
    await asked;
    const reason = new Error("the caller has gone");
    caller.abort(reason);
    // The client of the engine gives up after twice as long.
    expect(await within(ended, 60_000)).toMatchObject({ code: "canceled", cause: reason });
  });
});
