import type { DockerClient } from "@dockershim/docker-client";
import { apiAtLeast } from "@dockershim/pod-sandbox";
import { specHookRuntime } from "@dockershim/spec-hook";
import { labVariable } from "@dockershim/testing";

/**
 * Why the lab's engine has no spec hook; undefined where it has: as a shim, or with systemd's cgroup driver as a runtime
 * of the daemon.json that the lab writes.
 */
export const unhooked: string | undefined = apiAtLeast(labVariable("LAB_DOCKER_VERSION"), "23.0")
  ? undefined
  : "Docker 23";

/** The `HostConfig.Runtime` by which the lab's engine runs the spec hook. */
export async function hookRuntime(docker: DockerClient): Promise<string> {
  const { CgroupDriver, Runtimes } = await docker.info();
  if (CgroupDriver !== "systemd") return specHookRuntime;
  const [name] =
    Object.entries(Runtimes ?? {}).find(([, { path }]) => path?.endsWith("/dockershim-runc")) ?? [];
  if (name === undefined) throw new Error("the lab's daemon.json names no dockershim-runc");
  return name;
}
