import type { CriClient } from "@dockershim/cri-client";
import type { ContainerConfig, PodSandboxConfig } from "@dockershim/cri-types";
import { tryOn } from "../objects/each-object.js";
import { showElapsed } from "../output/elapsed-line.js";
import type { Terminal } from "../output/terminal.js";

/**
 * Creates a container in a pod, of an image that is pulled if it is not there.
 *
 * @returns The container's id.
 * @throws CliError failure with the container's name; CriClientError where the runtime cannot be reached.
 */
export async function createContainer(
  client: CriClient,
  podSandboxId: string,
  sandboxConfig: PodSandboxConfig,
  config: ContainerConfig,
  terminal: Terminal,
): Promise<string> {
  return await tryOn(containerName(sandboxConfig, config), async () => {
    await pullMissing(client, config, sandboxConfig, terminal);
    const request = { podSandboxId, sandboxConfig, config };
    return (await client.runtime.createContainer(request)).containerId;
  });
}

export function podName({ metadata }: PodSandboxConfig): string {
  return `pod ${metadata?.namespace}/${metadata?.name}`;
}

export function containerName({ metadata }: PodSandboxConfig, config: ContainerConfig): string {
  return `container ${metadata?.namespace}/${metadata?.name}/${config.metadata?.name}`;
}

/** A container without an image is the runtime's to refuse. */
async function pullMissing(
  { image: service }: CriClient,
  { image }: ContainerConfig,
  sandboxConfig: PodSandboxConfig,
  terminal: Terminal,
): Promise<void> {
  if (image === undefined || image.image === "") return;
  if ((await service.imageStatus({ image })).image !== undefined) return;
  await showElapsed(terminal, `pulling ${image.image}`, () =>
    service.pullImage({ image, sandboxConfig }),
  );
}
