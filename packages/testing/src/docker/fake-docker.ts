import type { ServerResponse } from "node:http";
import { dirname } from "node:path";
import { type FakeEngine, json, type SeenRequest, startFakeEngine } from "../fake-engine.ts";
import { createSteps, type Departure, type Steps } from "../steps.ts";
import { createFakeContainers, type FakeContainers } from "./containers.ts";
import { createEventLog, type EventLog } from "./event-log.ts";
import { createFakeImages, type FakeImages } from "./images.ts";
import { EngineRefusal } from "./refusal.ts";
import { type Answer, answer } from "./routes.ts";

/**
 * Docker Engine in memory, on a unix socket: containers with their states, images, events. It
 * answers in Docker's words, and each request is a step that can be made to go wrong.
 */
export interface FakeDocker {
  readonly endpoint: string;
  readonly containers: FakeContainers;
  readonly images: FakeImages;
  readonly events: EventLog;
  /** The requests as steps: `POST /containers/<name>/start`, whatever id they carry. */
  readonly steps: Steps;
  /** The HTTP server underneath. */
  readonly server: FakeEngine;
  close(): Promise<void>;
}

/** @param steps Where requests are counted, along with the steps of other fakes. */
export async function startFakeDocker(steps: Steps = createSteps()): Promise<FakeDocker> {
  const server = await startFakeEngine({ apiVersion: "1.51", minApiVersion: "1.24" });
  const dir = dirname(server.endpoint.replace("unix://", ""));
  const events = createEventLog();
  const images = createFakeImages(events);
  const containers = createFakeContainers(dir, events, (ref) => images.get(ref).id);
  const docker: FakeDocker = {
    endpoint: server.endpoint,
    containers,
    images,
    events,
    steps,
    server,
    close: () => server.close(),
  };

  function stepOf({ method, path }: SeenRequest): string {
    const [, kind = "", ref = "", ...rest] = path.split("/");
    const container = kind === "containers" ? containers.find(decodeURIComponent(ref)) : undefined;
    const named = container === undefined ? path : ["", kind, container.name, ...rest].join("/");
    return `${method} ${named}`;
  }

  async function serve(seen: SeenRequest, response: ServerResponse): Promise<void> {
    if (seen.path === "/events") return events.follow(seen.query, response);
    const body = await readBody(seen);
    const result = await steps.take(stepOf(seen), departureOf(response), (): Answer => {
      try {
        return answer(docker, seen, body);
      } catch (err) {
        if (!(err instanceof EngineRefusal)) throw err;
        return { status: err.status, body: { message: err.message } };
      }
    });
    if (result.kind === "refused") {
      json(response, 500, { message: "something went wrong in the engine" });
    } else if (result.kind === "hollow") {
      json(response, 200, {});
    } else if (result.kind === "done") {
      await send(result.value, response);
    } else {
      response.destroy();
    }
  }

  server.handle = (seen, response) => {
    serve(seen, response).catch((err: Error) => json(response, 500, { message: err.stack }));
  };
  return docker;
}

async function send({ status, body, raw, later }: Answer, response: ServerResponse): Promise<void> {
  if (later !== undefined) {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.flushHeaders();
    response.end(JSON.stringify(await later));
  } else if (raw !== undefined || body === undefined) {
    response.writeHead(status).end(raw);
  } else {
    json(response, status, body);
  }
}

function departureOf(response: ServerResponse): Departure {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("close", resolve);
  return { now: () => response.destroyed, ever: promise };
}

async function readBody({ request }: SeenRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
