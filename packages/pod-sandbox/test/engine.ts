import { request } from "node:http";
import type { CreateContainerBody, EngineFacts, InspectedContainer } from "../src/index.js";

/** The little of Docker's API that these tests need; docker-client is not a dependency here. */
export interface Engine {
  facts: EngineFacts;
  call(method: string, path: string, body?: unknown): Promise<Buffer>;
  create(plan: { name: string; body: CreateContainerBody }): Promise<string>;
  inspect(id: string): Promise<InspectedContainer>;
  /** Waits for the end of a container and returns what it wrote to both streams. */
  output(id: string): Promise<string>;
  /** Removes what was created, newest first. */
  clean(): Promise<void>;
}

const newestApi = 51;

/** Connects to the engine at `LAB_DOCKER_ENDPOINT`. */
export async function connectEngine(): Promise<Engine> {
  const endpoint = process.env.LAB_DOCKER_ENDPOINT ?? "";
  if (!endpoint.startsWith("unix://")) throw new Error("LAB_DOCKER_ENDPOINT names no unix socket");
  const socketPath = endpoint.slice("unix://".length);
  const created: string[] = [];
  let prefix = "";

  function call(method: string, path: string, body?: unknown): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json" };
      const outgoing = request({ socketPath, method, path: prefix + path, headers }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on("data", (chunk: Buffer) => chunks.push(chunk));
        reply.on("error", reject);
        reply.on("end", () => {
          const answer = Buffer.concat(chunks);
          if ((reply.statusCode ?? 500) < 400) resolve(answer);
          else reject(new Error(`${method} ${path}: ${reply.statusCode} ${answer}`));
        });
      });
      outgoing.on("error", reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
  const get = async (path: string) => JSON.parse((await call("GET", path)).toString());

  const { ApiVersion } = await get("/version");
  const minor = Math.min(newestApi, Number(ApiVersion.split(".")[1]));
  prefix = `/v1.${minor}`;
  const info = await get("/info");
  const has = (name: string) => info.SecurityOptions.some((text: string) => text.includes(name));
  const facts: EngineFacts = {
    apiVersion: `1.${minor}`,
    cgroupVersion: info.CgroupVersion === "2" ? 2 : 1,
    cgroupDriver: info.CgroupDriver,
    runtimes: Object.keys(info.Runtimes),
    defaultRuntime: info.DefaultRuntime,
    seccomp: has("name=seccomp"),
    apparmor: has("name=apparmor"),
    selinux: has("name=selinux"),
    arch: info.Architecture,
    // A test engine may run without CAP_SYS_RESOURCE.
    minOomScoreAdj: 0,
  };

  return {
    facts,
    call,
    async create({ name, body }) {
      const answer = await call("POST", `/containers/create?name=${name}`, body);
      const { Id } = JSON.parse(answer.toString());
      created.unshift(Id);
      return Id;
    },
    inspect: (id) => get(`/containers/${id}/json`),
    async output(id) {
      await call("POST", `/containers/${id}/wait`);
      return demultiplex(await call("GET", `/containers/${id}/logs?stdout=1&stderr=1`));
    },
    async clean() {
      for (const id of created.splice(0)) await call("DELETE", `/containers/${id}?force=1&v=1`);
    },
  };
}

function demultiplex(stream: Buffer): string {
  let text = "";
  for (let at = 0; at < stream.length; ) {
    const length = stream.readUInt32BE(at + 4);
    text += stream.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
