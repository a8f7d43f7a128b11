import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { main } from "../src/main.js";

const { LAB_DOCKER_ENDPOINT: endpoint = "", LAB_IMAGE: labImage = "" } = process.env;

describe("images load", () => {
  let docker: DockerClient;
  let dir: string;
  let archive: Buffer;
  const repo = `test.invalid/load-${randomBytes(4).toString("hex")}`;
  const name = `${repo}:1`;

  beforeAll(async () => {
    docker = createDockerClient({ endpoint });
    dir = await mkdtemp(join(tmpdir(), "cli-load-"));
    await docker.images.tag(labImage, { repo, tag: "1" });
    const chunks: Buffer[] = [];
    for await (const chunk of await docker.images.save([name])) chunks.push(chunk as Buffer);
    archive = Buffer.concat(chunks);
    await docker.images.remove(name);
  });
  afterAll(async () => {
    await docker.images.remove(name).catch(() => undefined);
    await docker.close();
    await rm(dir, { recursive: true });
  });

  async function run(args: string[], stdin: Readable = Readable.from([])) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const printed = Promise.all([text(stdout), text(stderr)]);
    const terminal = { stdin, stdout, stderr, env: { DOCKER_HOST: endpoint }, now: Date.now };
    const code = await main(["images", "load", ...args], terminal);
    stdout.end();
    stderr.end();
    const [out, err] = await printed;
    return { code, stdout: out, stderr: err };
  }

  async function file(content: Buffer): Promise<string> {
    const path = join(dir, "archive.tar");
    await writeFile(path, content);
    return path;
  }

  test.each([
    ["a tar", (tar: Buffer) => tar],
    ["a compressed tar", (tar: Buffer) => gzipSync(tar, { level: 1 })],
  ])("takes %s", async (_kind, pack) => {
    const path = await file(pack(archive));
    expect(await run([path])).toEqual({ code: 0, stdout: `Loaded ${name}\n`, stderr: "" });
    expect((await docker.images.inspect(name)).RepoTags).toContain(name);
    await docker.images.remove(name);
  });

  test("reads standard input, and the engine it is told", async () => {
    const args = ["-", "-q", "--docker-endpoint", endpoint];
    expect(await run(args, Readable.from([archive]))).toMatchObject({
      code: 0,
      stdout: `${name}\n`,
    });
    await docker.images.remove(name);
  });

  test("tells what is wrong with a file that is no archive", async () => {
    const path = await file(randomBytes(5000));
    const { code, stdout, stderr } = await run([path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^dockershim: .*archive\.tar.*\n$/);
  });

  test("tells of a file that is cut short", async () => {
    const path = await file(archive.subarray(0, archive.length / 2));
    expect(await run([path])).toMatchObject({ code: 1, stdout: "" });
  });

  test.each([
    ["/no/such/file", /cannot read \/no\/such\/file: ENOENT/],
    [tmpdir(), /it is a directory/],
  ])("cannot read %s", async (path, reason) => {
    expect(await run([path])).toMatchObject({ code: 1, stderr: expect.stringMatching(reason) });
  });

  test("tells of an engine that is not there", async () => {
    const path = await file(archive);
    const missing = `unix://${join(dir, "none.sock")}`;
    expect(await run([path, "--docker-endpoint", missing])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("there is no such socket"),
    });
  });
});
