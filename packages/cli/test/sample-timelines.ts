import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PodTimelineSchema } from "@dockershim/cri-types/timelines";
import { ids } from "./sample-ids.js";

const begin = BigInt(Date.UTC(2026, 10, 23, 9, 0, 0)) * 1_000_000n;
const ms = (count: number): bigint => BigInt(count * 1_000_000);

const call = (method: string, container: string, at: number, took: number, error = "") => ({
  method,
  container,
  startedAt: begin + ms(at),
  duration: ms(took),
  error,
});
const span = (name: string, offset: number, took: number, failed = false) => ({
  name,
  offset: ms(offset),
  duration: ms(took),
  failed,
});

/** A start of two seconds whose first log line came soon, and an end that is not over yet. */
export const sampleTimelines: MessageInitShape<typeof PodTimelineSchema>[] = [
  {
    ...{ podSandboxId: ids.front, namespace: "default", name: "front", uid: "front", attempt: 0 },
    calls: [
      {
        ...call("RunPodSandbox", "", 0, 800),
        spans: [
          span("docker containers.create", 5, 95),
          span("docker containers.start", 100, 300),
          span("cni ADD", 400, 380),
          span("cni ADD bridge", 402, 250),
          span("cni ADD portmap", 660, 118, true),
        ],
      },
      call("PullImage", "", 810, 690),
      {
        ...call("CreateContainer", "web", 1_600, 100),
        spans: [span("docker containers.create", 2, 90)],
      },
      call("StartContainer", "web", 1_700, 300, "no such <program>"),
      call("StopContainer", "web", 600_000, 10_020),
      call("StopPodSandbox", "", 610_020, 0),
    ],
  },
];
