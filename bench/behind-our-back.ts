import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ContainerState, ImageService, RuntimeService } from "@dockershim/cri-types";
import type { Cleanup } from "./cleanup.ts";
import type { Endpoint } from "./endpoint.ts";
import { engineRequest } from "./engine-request.ts";
import { createPopulation, type Pod, type PodChoices } from "./pods.ts";
import { type Summary, summarize } from "./summary.ts";

/** What somebody does to the engine, and how CRI shows that it was noticed. */
interface Deed {
  readonly name: string;
  act(): Promise<unknown>;
  seen(): Promise<boolean>;
}

/** A change that is not told after this long is a failure, in ms. */
const patienceMs = 10_000;

/**
 * Measures how long CRI goes on telling the old state after somebody has used Docker directly.
 *
 * Counted from the engine's own "done": what CRI told before it counts as 0.
 *
 * @param docker Path of the engine's socket.
 */
export async function measureBehindOurBack(
  endpoint: Endpoint,
  docker: string,
  choices: PodChoices,
  rounds: number,
  cleanup: Cleanup,
): Promise<Record<string, Summary>> {
  const found = new Map<string, number[]>();
  const record = async (deed: Deed): Promise<void> => {
    const durations = found.get(deed.name) ?? [];
    durations.push(await timeUntilSeen(deed));
    found.set(deed.name, durations);
  };
  for (let round = 0; round < rounds; round++) {
    cleanup.check();
    const population = createPopulation(endpoint, choices, cleanup);
    await population.grow(2);
    const [killed, removed] = population.pods;
    if (killed === undefined || removed === undefined) throw new Error("no pods were made");
    for (const deed of containerDeeds(endpoint, docker, killed, removed)) await record(deed);
    for (const deed of imageDeeds(endpoint, docker, choices.image, cleanup)) await record(deed);
    await population.empty();
  }
  return Object.fromEntries([...found].map(([name, ms]) => [name, summarize(ms)]));
}

async function timeUntilSeen({ name, act, seen }: Deed): Promise<number> {
  let done: number | undefined;
  const acting = act().then(() => {
    done = performance.now();
  });
  const end = performance.now() + patienceMs;
  while (!(await seen())) {
    if (performance.now() > end) throw new Error(`${name}: not seen within ${patienceMs} ms`);
    // Asked again at once, the daemon would be kept from what it has to notice.
    await delay(1);
  }
  const seenAt = performance.now();
  await acting;
  return Math.max(0, seenAt - (done ?? seenAt));
}

function containerDeeds(endpoint: Endpoint, docker: string, one: Pod, other: Pod): Deed[] {
  const { method } = RuntimeService;
  const listed = async (id: string) => {
    const request = { filter: { id } };
    const { containers } = (await endpoint.cri.call(method.listContainers, request)).reply;
    return containers[0];
  };
  const renamed = `bench-renamed-${randomBytes(4).toString("hex")}`;
  return [
    {
      name: "docker kill",
      act: () => engineRequest(docker, "POST", `/containers/${one.containerId}/kill`),
      seen: async () => (await listed(one.containerId))?.state === ContainerState.CONTAINER_EXITED,
    },
    {
      // CRI tells no names of Docker, so a renamed container is known by what happens to it next.
      name: "docker rename and kill",
      act: async () => {
        await engineRequest(
          docker,
          "POST",
          `/containers/${other.containerId}/rename?name=${renamed}`,
        );
        await engineRequest(docker, "POST", `/containers/${other.containerId}/kill`);
      },
      seen: async () =>
        (await listed(other.containerId))?.state === ContainerState.CONTAINER_EXITED,
    },
    {
      name: "docker rm -f",
      act: () => engineRequest(docker, "DELETE", `/containers/${other.containerId}?force=1`),
      seen: async () => (await listed(other.containerId)) === undefined,
    },
  ];
}

function imageDeeds(endpoint: Endpoint, docker: string, image: string, cleanup: Cleanup): Deed[] {
  const { method } = ImageService;
  const tag = randomBytes(4).toString("hex");
  const name = `bench.invalid/seen:${tag}`;
  const present = async () => {
    const request = { image: { image: name } };
    return (await endpoint.cri.call(method.imageStatus, request)).reply.image !== undefined;
  };
  const untag = () => engineRequest(docker, "DELETE", `/images/${name}?noprune=1`);
  const forget = cleanup.add(async () => void (await untag().catch(() => undefined)));
  return [
    {
      name: "docker tag",
      act: () =>
        engineRequest(docker, "POST", `/images/${image}/tag?repo=bench.invalid/seen&tag=${tag}`),
      seen: present,
    },
    {
      name: "docker image rm",
      act: async () => {
        await untag();
        forget();
      },
      seen: async () => !(await present()),
    },
  ];
}
