import { createDockerClient } from "@dockershim/docker-client";
import { apiAtLeast } from "@dockershim/pod-sandbox";
import { labVariable } from "@dockershim/testing";

async function driverOf(endpoint: string): Promise<string> {
  const docker = createDockerClient({ endpoint });
  try {
    return (await docker.info()).CgroupDriver;
  } finally {
    await docker.close();
  }
}

/** Why the lab's engine knows only the runtimes of its daemon.json; undefined where it takes the spec hook as a shim. */
export const unhooked: string | undefined = !apiAtLeast(labVariable("LAB_DOCKER_VERSION"), "23.0")
  ? "Docker 23"
  : (await driverOf(labVariable("LAB_DOCKER_ENDPOINT"))) === "systemd"
    ? "systemd"
    : undefined;
