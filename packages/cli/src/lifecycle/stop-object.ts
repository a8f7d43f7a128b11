import type { CriClient } from "@dockershim/cri-client";
import { ContainerState } from "@dockershim/cri-types";
import { type Command, Option } from "commander";
import type { Workload } from "../objects/find-object.js";
import { ignoreNotFound } from "../objects/ignore-not-found.js";
import { parseDuration } from "../output/duration.js";

/** Adds `--grace-period`. */
export function addGraceOption(command: Command): Command {
  return command.addOption(
    new Option(
      "--grace-period <duration>",
      "how long a container may take to end by itself before it is killed; 0 kills at once",
    )
      .default(10_000, "10s")
      .argParser((text: string) => parseDuration(text, "--grace-period")),
  );
}

/**
 * Stops a container, or a pod with all that runs in it. CRI gives a pod's containers no time to end by themselves,
 * so they are stopped first, as by a kubelet.
 *
 * @param graceMs Milliseconds before a container is killed; CRI counts whole seconds.
 * @throws CriClientError
 */
export async function stopObject(
  client: CriClient,
  found: Workload,
  graceMs: number,
): Promise<void> {
  const timeout = BigInt(Math.ceil(graceMs / 1_000));
  if (found.kind === "container") {
    await client.runtime.stopContainer({ containerId: found.id, timeout });
    return;
  }
  const podSandboxId = found.id;
  const { containers } = await client.runtime.listContainers({ filter: { podSandboxId } });
  const running = containers.filter(({ state }) => state === ContainerState.CONTAINER_RUNNING);
  await Promise.all(
    running.map(({ id }) =>
      client.runtime.stopContainer({ containerId: id, timeout }).catch(ignoreNotFound),
    ),
  );
  await client.runtime.stopPodSandbox({ podSandboxId });
}
