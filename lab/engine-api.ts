import { type IncomingMessage, request } from "node:http";
import type { Readable } from "node:stream";
import { LabError } from "./lab-error.ts";

export interface EngineRequest {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Path and query; without a version the engine answers in its newest. */
  readonly path: string;
  readonly body?: Readable | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds without any byte from the engine before the call is given up; default 300,000. */
  readonly timeoutMs?: number;
}

export interface EngineReply {
  readonly status: number;
  readonly text: string;
}

function read(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
    });
    response.once("error", reject);
    response.once("end", () => resolve(text));
  });
}

/** One HTTP call over a unix socket; rejects only when there is no answer. */
export function askEngine(socketPath: string, call: EngineRequest): Promise<EngineReply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        method: call.method ?? "GET",
        path: call.path,
        headers: { host: "docker", ...call.headers },
        agent: false,
      },
      (response) => {
        read(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
      },
    );
    outgoing.setTimeout(call.timeoutMs ?? 300_000, () =>
      outgoing.destroy(new Error("no answer in time")),
    );
    outgoing.once("error", reject);
    if (call.body === undefined || typeof call.body === "string") outgoing.end(call.body);
    else call.body.once("error", (error) => outgoing.destroy(error)).pipe(outgoing);
  });
}

/** Like {@link askEngine}, but anything but success throws, as does an error inside a progress stream. */
export async function callEngine(socketPath: string, call: EngineRequest): Promise<string> {
  const what = `${call.method ?? "GET"} ${call.path.split("?")[0]}`;
  const { status, text } = await askEngine(socketPath, call).catch((cause: unknown) => {
    throw new LabError("engine", `${what}: the engine does not answer`, cause);
  });
  if (status >= 400) throw new LabError("engine", `${what}: ${status} ${text.trim()}`);
  const failure = text.split("\n").find((line) => line.startsWith('{"error'));
  if (failure !== undefined) throw new LabError("engine", `${what}: ${failure.trim()}`);
  return text;
}
