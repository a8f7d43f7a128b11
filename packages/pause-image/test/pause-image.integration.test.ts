import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type PauseImage, pauseImage } from "../src/index.js";

const endpoint = process.env.LAB_DOCKER_ENDPOINT ?? "";
const label = `io.dockershim.test=${randomUUID()}`;

/** One call of the engine's API. */
function engine(
  method: string,
  path: string,
  body?: Uint8Array | object,
  // biome-ignore lint/suspicious/noExplicitAny: the engine's replies are checked by the tests themselves.
): Promise<{ status: number; json: any }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        socketPath: endpoint.replace("unix://", ""),
        method,
        path,
        agent: false,
        headers: {
          host: "docker",
          "content-type": body instanceof Uint8Array ? "application/x-tar" : "application/json",
        },
      },
      (response) => {
        text(response).then((reply) => {
          const lines = reply.trim().split("\r\n").filter(Boolean);
          const json = lines.length > 1 ? lines.map((line) => JSON.parse(line)) : undefined;
          resolve({
            status: response.statusCode ?? 0,
            json: json ?? JSON.parse(lines[0] ?? "null"),
          });
        }, reject);
      },
    );
    call.once("error", reject);
    call.end(body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body));
  });
}

async function create(image: string, hostConfig: object = {}): Promise<string> {
  const [key = "", value] = label.split("=");
  const { status, json } = await engine("POST", "/containers/create", {
    Image: image,
    Labels: { [key]: value },
    HostConfig: { NetworkMode: "none", ...hostConfig },
  });
  expect([status, json.message]).toEqual([201, undefined]);
  return json.Id;
}

/**
 * Waits until the container's process waits for signals, the only place where it sleeps. The kernel drops those that
 * come before it has blocked them, as it does for every first process of a namespace.
 */
async function awaitsSignals(id: string): Promise<void> {
  for (let waits = false; !waits; ) {
    const { json } = await engine("GET", `/containers/${id}/json`);
    const status = readFileSync(`/proc/${json.State.Pid}/status`, "utf8");
    waits = /^Name:\tpause\n[\s\S]*^State:\tS/m.test(status);
  }
}

describe("the pause image on a real engine", () => {
  let image: PauseImage;
  let expectedId: string;

  beforeAll(async () => {
    if (endpoint === "") throw new Error("LAB_DOCKER_ENDPOINT is not set; see lab/README.md");
    const info = await engine("GET", "/info");
    image = pauseImage(info.json.Architecture);
    const status: [string, string][] = info.json.DriverStatus ?? [];
    const inContainerd = status.some(([, value]) => value === "io.containerd.snapshotter.v1");
    expectedId = inContainerd ? image.manifestDigest : image.id;
    const loaded = await engine("POST", "/images/load?quiet=1", image.tar);
    expect(JSON.stringify(loaded)).not.toContain('"error"');
    expect(JSON.stringify(loaded)).toContain(image.reference);
  });

  afterAll(async () => {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    const { json } = await engine("GET", `/containers/json?all=1&filters=${filters}`);
    for (const { Id } of json) await engine("DELETE", `/containers/${Id}?force=1`);
  });

  it("is known by its name and by the id it foretells", async () => {
    const { status, json } = await engine("GET", `/images/${image.reference}/json`);
    expect(status).toBe(200);
    expect(json.Id).toBe(expectedId);
    expect(json.RepoTags).toContain(image.reference);
    expect((await engine("GET", `/images/${expectedId}/json`)).status).toBe(200);
  });

  it("stays one image when it is loaded again", async () => {
    await engine("POST", "/images/load?quiet=1", image.tar);
    const filters = encodeURIComponent(JSON.stringify({ reference: ["dockershim/pause"] }));
    const { json } = await engine("GET", `/images/json?filters=${filters}`);
    expect(json.map(({ Id }: { Id: string }) => Id)).toEqual([expectedId]);
  });

  it("runs as a container's first process, not as root, and answers a stop itself", async () => {
    const id = await create(image.reference);
    await engine("POST", `/containers/${id}/start`);
    await awaitsSignals(id);
    const { json: processes } = await engine(
      "GET",
      `/containers/${id}/top?ps_args=-eo%20pid,uid,args`,
    );
    expect(processes.Processes).toEqual([[expect.stringMatching(/^\d+$/), "65535", "/pause"]]);
    expect((await engine("POST", `/containers/${id}/stop?t=60`)).status).toBe(204);
    const { json } = await engine("GET", `/containers/${id}/json`);
    // 137 would tell of a SIGKILL after the sixty seconds.
    expect(json.State).toMatchObject({ Status: "exited", ExitCode: 0, OOMKilled: false });
    const logs = await engine("GET", `/containers/${id}/logs?stdout=1&stderr=1`);
    expect(logs.json).toBeNull();
  });

  it("starts with a read-only root, no capabilities and no new privileges", async () => {
    const id = await create(image.reference, {
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
    });
    expect((await engine("POST", `/containers/${id}/start`)).status).toBe(204);
    const { json } = await engine("GET", `/containers/${id}/json`);
    expect(json.State.Running).toBe(true);
    await awaitsSignals(id);
    expect((await engine("POST", `/containers/${id}/kill?signal=SIGINT`)).status).toBe(204);
    const { json: ended } = await engine("POST", `/containers/${id}/wait`);
    expect(ended.StatusCode).toBe(0);
  });
});
