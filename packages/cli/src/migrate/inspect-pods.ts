import { type ContainerInspect, type DockerClient, DockerError } from "@dockershim/docker-client";
import { TYPE_LABEL } from "@dockershim/pod-sandbox";

/** All containers of pods that the engine has, of whichever runtime. */
export async function inspectPods(
  { containers }: DockerClient,
  signal?: AbortSignal,
): Promise<ContainerInspect[]> {
  const call = signal === undefined ? {} : { signal };
  const listed = await containers.list({ ...call, all: true, filters: { label: [TYPE_LABEL] } });
  const inspected = await Promise.all(
    listed.map(async ({ Id }) => {
      try {
        return await containers.inspect(Id, call);
      } catch (err) {
        // One that went away meanwhile is none to look for.
        if (err instanceof DockerError && err.code === "not_found") return undefined;
        throw err;
      }
    }),
  );
  return inspected.filter((each) => each !== undefined);
}
