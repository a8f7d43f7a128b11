import { randomBytes } from "node:crypto";
import { ContainerState } from "@dockershim/cri-types";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { pushImage } from "./registry-image.js";

const mib = 1024 * 1024;
const registry = labVariable("LAB_REGISTRY");

let h: Harness;

beforeAll(async () => {
  h = await createHarness();
});

afterAll(() => h.close());

/** Docker puts an image's labels into its events and into those of its containers. */
test.each([
  ["one label", 1],
  ["many labels", 50_000],
])("an image with 5 MiB in %s keeps nobody from being served", async (_name, count) => {
  const { podSandboxId, containerId, config } = await h.runPod();
  const repository = `labels/${randomBytes(6).toString("hex")}`;
  const value = "x".repeat(Math.ceil((5 * mib) / count));
  const labels = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`a-label-${i}`, value]),
  );
  await pushImage(registry, repository, "1", { layers: [randomBytes(100)], labels });
  const image = { image: `${registry}/${repository}:1` };
  await h.cri.image.pullImage({ image });
  const created = await h.cri.runtime.createContainer({
    podSandboxId,
    sandboxConfig: config,
    config: h.containerConfig({ metadata: { name: "labelled", attempt: 0 }, image }),
  });

  // Each is something that only an event tells.
  await h.docker.containers.kill(containerId);
  await until(async () => {
    const { containers } = await h.cri.runtime.listContainers({ filter: { id: containerId } });
    return containers[0]?.state === ContainerState.CONTAINER_EXITED;
  });
  await h.docker.containers.remove(created.containerId);
  await until(async () => {
    const filter = { id: created.containerId };
    return (await h.cri.runtime.listContainers({ filter })).containers.length === 0;
  });
  await h.docker.images.remove(image.image);
  await until(async () => (await h.cri.image.imageStatus({ image })).image === undefined);
});
