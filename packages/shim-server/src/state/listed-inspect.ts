import type { ContainerInspect, ContainerSummary } from "@dockershim/docker-client";

/** Docker's zero time, which stands for never. */
const never = "0001-01-01T00:00:00Z";

/** What the status of such a container says to people. */
export const unreadMessage = "Docker does not answer an inspect of this container";

/**
 * What the engine's list tells of a container (`GET /containers/json`), in the form of an inspect,
 * for one that the engine does not let us inspect.
 *
 * The state, the image, names and labels are true. Times are that of the creation; there is no
 * pid, so that nothing is measured, written or killed by a guess. What cannot be known is empty.
 *
 * @param before The last inspect that was answered, whose other facts still hold.
 */
export function listedInspect(
  summary: ContainerSummary,
  before: ContainerInspect | undefined,
): ContainerInspect {
  const created = new Date(summary.Created * 1000).toISOString();
  if (before !== undefined && before.State.Status === summary.State) return before;
  const running = summary.State === "running" || summary.State === "paused";
  const ended = summary.State === "exited" || summary.State === "dead";
  const exitCode = Number(/^Exited \((\d+)\)/.exec(summary.Status)?.[1] ?? 0);
  const told: Partial<ContainerInspect> = {
    Id: summary.Id,
    Name: summary.Names?.[0] ?? "",
    Created: created,
    Image: summary.ImageID,
    Mounts: summary.Mounts ?? [],
    State: {
      Status: summary.State,
      Running: running,
      Paused: summary.State === "paused",
      Pid: 0,
      ExitCode: ended ? exitCode : 0,
      Error: unreadMessage,
      StartedAt: running || ended ? created : never,
      FinishedAt: ended ? created : never,
    } as ContainerInspect["State"],
  };
  if (before !== undefined) return { ...before, ...told };
  return {
    ...told,
    ResolvConfPath: "",
    LogPath: "",
    Config: { Image: summary.Image, Labels: summary.Labels ?? {} },
    HostConfig: { NetworkMode: summary.HostConfig.NetworkMode },
    NetworkSettings: { Networks: summary.NetworkSettings?.Networks ?? {} },
  } as ContainerInspect;
}
