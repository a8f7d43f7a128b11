/**
 * Pulls, cancels, removes and uses images at random, from two registries that misbehave, through
 * one daemon. At the end its list must be the engine's, and everything must go.
 *
 *   node packages/shim-server/test/soak/image-churn.ts [operations]
 *
 * Needs the lab's variables (lab/README.md) and a build. Exit code 0 when nothing was wrong.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CriClientError } from "@dockershim/cri-client";
import { labVariable } from "@dockershim/testing";
import { pushImage } from "../registry-image.ts";
import { type RegistryProxy, startRegistryProxy } from "../registry-proxy.ts";
import { startSoak } from "./soak.ts";

const operations = Number(process.argv[2] ?? 600);
const workers = 6;
const repositories = 6;

const upstream = labVariable("LAB_REGISTRY");
const soak = await startSoak("image-churn", {
  flags: { "network-plugin": "none" },
  timeoutMs: 120_000,
});
const { cri, docker } = soak;
const registries = [await misbehaving(), await misbehaving()];

/** Every image by two tags and a digest, in two registries; all share a layer. */
const prefix = `churn/${randomBytes(4).toString("hex")}`;
const names: string[] = [];
const shared = randomBytes(300_000);
for (let at = 0; at < repositories; at++) {
  const repository = `${prefix}-${at}`;
  const image = { layers: [shared, randomBytes(200_000)], index: at % 2 === 0 };
  const { digest } = await pushImage(upstream, repository, "1", image);
  await pushImage(upstream, repository, "2", { layers: [shared, randomBytes(100_000)] });
  for (const { address } of registries) {
    const name = `${address}/${repository}`;
    names.push(`${name}:1`, `${name}:2`, `${name}@${digest}`);
  }
}

const outcomes: Record<string, number> = {};
const problems: string[] = [];
let gate: Promise<void> = Promise.resolve();
const removals = new Set<Promise<unknown>>();
let left = operations;
const began = performance.now();
await Promise.all(
  Array.from({ length: workers }, async () => {
    while (left-- > 0) await operate(pick(names));
  }),
);
console.log(`${operations} operations in ${Math.round(performance.now() - began)} ms`, outcomes);

await compare();
for (const registry of registries) registry.behaviour = (_request, _response, pass) => pass();
for (const name of names) await cri.image.pullImage(spec(name));
await compare();
for (const name of names) await cri.image.removeImage(spec(name));
await compare();
const rest = (await docker.images.list()).filter((image) => JSON.stringify(image).includes(prefix));
if (rest.length > 0) problems.push(`${rest.length} images stay`);

await soak.close();
for (const registry of registries) await registry.close();
for (const problem of problems) console.log(problem);
console.log(problems.length === 0 ? "nothing wrong" : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function operate(name: string): Promise<void> {
  const dice = Math.random();
  if (dice < 0.45) {
    const controller = new AbortController();
    if (Math.random() < 0.3) setTimeout(() => controller.abort(), Math.random() * 150);
    await count("pull", () => cri.image.pullImage(spec(name), { signal: controller.signal }));
  } else if (dice < 0.8) {
    for (let seen: unknown; seen !== gate; await seen) seen = gate;
    const removal = count("remove", () => cri.image.removeImage(spec(name)));
    removals.add(removal);
    await removal;
    removals.delete(removal);
  } else if (dice < 0.9) {
    await removeUsed(name);
  } else {
    await count("list", () => cri.image.listImages({}));
  }
}

/**
 * An image that a container uses must be refused. No other removal runs meanwhile: the engine
 * makes a container of an image that it is just removing.
 */
async function removeUsed(name: string): Promise<void> {
  const before = gate;
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  await before;
  await Promise.all(removals);
  try {
    await tryToRemoveUsed(name);
  } finally {
    resolve();
  }
}

async function tryToRemoveUsed(name: string): Promise<void> {
  const { image } = await cri.image.imageStatus(spec(name));
  if (image === undefined) return;
  const container = await docker.containers.create({ Image: image.id });
  const removed = await count("remove used", () => cri.image.removeImage(spec(image.id)));
  if (removed) problems.push(`${name} was removed while a container used it`);
  await docker.containers.remove(container.Id, { force: true });
}

async function count(what: string, work: () => Promise<unknown>): Promise<boolean> {
  const outcome = await work().then(
    () => "done",
    (reason: unknown) => (reason instanceof CriClientError ? reason.code : String(reason)),
  );
  const key = `${what}: ${outcome}`;
  outcomes[key] = (outcomes[key] ?? 0) + 1;
  return outcome === "done";
}

/** Waits until the engine's events have arrived; lists that never agree are a problem. */
async function compare(): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const ours = (await cri.image.listImages({})).images.map(({ id, repoTags }) => [id, repoTags]);
    const theirs = (await docker.images.list()).map(({ Id, RepoTags }) => [
      Id,
      (RepoTags ?? []).filter((tag) => !/<none>|@/.test(tag)),
    ]);
    if (text(ours) === text(theirs)) return;
    await sleep(100);
  }
  problems.push("the daemon's list is not the engine's");
}

function text(images: unknown[][]): string {
  return images
    .map(([id, tags]) => `${id} ${[...(tags as string[])].sort()}`)
    .sort()
    .join("\n");
}

/** One manifest in seven is refused or cut off, and many layers are late. */
async function misbehaving(): Promise<RegistryProxy> {
  const proxy = await startRegistryProxy({ upstream });
  proxy.behaviour = async (request, response, pass) => {
    const { url = "" } = request;
    const dice = Math.random();
    if (url.includes("/manifests/") && dice < 0.07) {
      response.writeHead(503).end();
    } else if (url.includes("/manifests/") && dice < 0.14) {
      response.destroy();
    } else {
      if (url.includes("/blobs/") && dice < 0.3) await sleep(dice * 1000);
      await pass();
    }
  };
  return proxy;
}

function spec(image: string) {
  return { image: { image } };
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T;
}
