import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CheckpointContainerRequest } from "@dockershim/cri-types";
import {
  planCheckpointRecords,
  sandboxConfigOf,
  validateCheckpointRequest,
} from "@dockershim/pod-sandbox";
import type { CallContext } from "../call.js";
import type { Checkpoints } from "../checkpoint/checkpoints.js";
import { requireSpace } from "../checkpoint/free-space.js";
import { copyCriLog } from "../logs/log-copy.js";
import { ShimError } from "../shim-error.js";
import { type ContainerLookup, requireRunning } from "../state/container-lookup.js";
import type { Engine } from "../state/engine.js";
import type { ContainerRecord } from "../state/records.js";
import type { Store } from "../state/store.js";
import type { StatsSource } from "../stats/stats-source.js";
import { type ContainerViewParts, containerStatus } from "./container-view.js";

/** What CheckpointContainer uses. */
export interface ContainerCheckpointParts extends ContainerViewParts {
  readonly store: ContainerLookup & Pick<Store, "sandbox">;
  readonly engine: Pick<Engine, "info">;
  readonly stats: Pick<StatsSource, "reader" | "cgroupOf" | "layer">;
  readonly checkpoints: Pick<Checkpoints, "take" | "directory">;
  /** The OCI runtime's `config.json` of a container. */
  readonly ociSpec: (id: string, pid: number) => Promise<string>;
}

/** Longest timeout that a timer can have, in seconds. */
const longestSeconds = 2_147_483;

/**
 * CheckpointContainer: writes the container's processes, the files that it has changed, and records of
 * it into an archive at `location`, of the form that containerd's CRI writes and checkpointctl reads. It
 * goes on running.
 *
 * A `timeout` of 0 leaves the caller's own deadline as the only one.
 *
 * @throws ShimError `unimplemented` where the engine is not experimental or finds no CRIU;
 * `failed_precondition` for a container that is not running; `resource_exhausted` where a disk
 * has not as much free space as the container uses memory and disk.
 */
export function createContainerCheckpoint(
  parts: ContainerCheckpointParts,
): (request: CheckpointContainerRequest, call: CallContext) => Promise<Record<string, never>> {
  const { store, engine, checkpoints } = parts;

  return async (request, { signal }) => {
    validateCheckpointRequest(request);
    const { containerId, location, timeout } = request;
    const { ExperimentalBuild: experimental, DockerRootDir: engineRoot } =
      await engine.info(signal);
    if (!experimental) {
      throw new ShimError(
        "unimplemented",
        'Docker Engine checkpoints containers only with `"experimental": true` in its daemon.json',
      );
    }
    const record = requireRunning(store, containerId);
    await requireSpace(spaceNeeds(parts, record, location, engineRoot));
    const spec = await parts.ociSpec(record.id, record.inspect.State.Pid);
    const status = containerStatus(record, parts);
    const sandbox = store.sandbox(record.sandboxId);
    const checkpointedAt = new Date().toISOString();
    const complete = async (folder: string, deleted: readonly string[]): Promise<void> => {
      const records = planCheckpointRecords({
        inspect: record.inspect,
        status,
        sandboxId: record.sandboxId,
        sandbox: sandbox && sandboxConfigOf(sandbox.inspect)?.metadata,
        spec,
        checkpointedAt,
        deleted,
      });
      for (const [name, text] of Object.entries(records)) {
        await writeFile(join(folder, name), text, { flag: "wx", mode: 0o600 });
      }
      await copyCriLog(record, join(folder, "container.log"));
    };
    await withinTimeout(timeout, signal, (bounded) =>
      checkpoints.take(record.id, location, complete, bounded),
    );
    return {};
  };
}

/** @throws ShimError `deadline_exceeded` when that many seconds are over; 0 is no bound. */
async function withinTimeout(
  seconds: bigint,
  signal: AbortSignal,
  work: (bounded: AbortSignal) => Promise<void>,
): Promise<void> {
  if (seconds === 0n) return await work(signal);
  const over = new AbortController();
  const late = new ShimError("deadline_exceeded", `timeout: not complete after ${seconds} s`);
  const ms = Math.min(Number(seconds), longestSeconds) * 1_000;
  const timer = setTimeout(() => over.abort(late), ms);
  try {
    await work(AbortSignal.any([signal, over.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** CRIU's images are as large as the memory; the engine has them once more until the call is over. */
function spaceNeeds(
  { stats, checkpoints }: ContainerCheckpointParts,
  record: ContainerRecord,
  location: string,
  engineRoot: string,
) {
  const path = stats.cgroupOf(record);
  const figures = path === undefined ? undefined : stats.reader().read(path, ["memory"]);
  const memory = figures?.memory?.workingSetBytes ?? 0n;
  const both = memory + (stats.layer(record.id)?.usedBytes ?? 0n);
  return [
    { folder: engineRoot, bytes: memory },
    { folder: dirname(checkpoints.directory), bytes: both },
    { folder: dirname(location), bytes: both },
  ];
}
