import { create } from "@bufbuild/protobuf";
import { ContainerStatusSchema, type PodSandboxMetadata } from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import {
  type CheckpointFacts,
  planCheckpointRecords,
  planContainer,
  toContainerStatus,
  validateCheckpointRequest,
} from "../src/index.js";
import { containerConfig, containerInput, inspected, podMetadata, running } from "./configs.js";

const config = containerConfig({
  labels: { app: "web" },
  linux: { resources: { memoryLimitInBytes: 2n ** 40n, cpuShares: 512n } },
  mounts: [{ hostPath: "/srv", containerPath: "/data", propagation: 1 }],
});
const inspect = inspected(planContainer(containerInput(config)), running);

function records(changes: Partial<CheckpointFacts> = {}): Record<string, unknown> {
  const texts = planCheckpointRecords({
    inspect,
    status: toContainerStatus({ inspect }),
    sandboxId: "5and80x",
    sandbox: podMetadata as PodSandboxMetadata,
    spec: '{"ociVersion":"1.2.1","annotations":{"a":"b"}}',
    checkpointedAt: "2026-11-29T21:02:01.187Z",
    deleted: ["/etc/group"],
    ...changes,
  });
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, JSON.parse(text)] as const),
  );
}

describe("the records of a checkpoint", () => {
  test("say what the container is", () => {
    expect(records()["config.dump"]).toEqual({
      id: "c0ffee",
      name: "k8s_nginx_web_shop_6f1c2d7e_2",
      rootfsImage: "nginx:1.27",
      rootfsImageRef: "nginx@sha256:cafe",
      rootfsImageName: "nginx:1.27",
      runtime: "runc",
      createdTime: "2026-11-23T10:00:00.123456789Z",
      checkpointedTime: "2026-11-29T21:02:01.187Z",
      restoredTime: "0001-01-01T00:00:00Z",
      restored: false,
    });
    expect(records()["deleted.files"]).toEqual(["/etc/group"]);
  });

  test("mark the specification as containerd marks those of pods", () => {
    expect(records()["spec.dump"]).toEqual({
      ociVersion: "1.2.1",
      annotations: {
        a: "b",
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.container-name": "nginx",
        "io.kubernetes.cri.image-name": "nginx:1.27",
        "io.kubernetes.cri.sandbox-id": "5and80x",
        "io.kubernetes.cri.sandbox-name": "web",
        "io.kubernetes.cri.sandbox-namespace": "shop",
        "io.kubernetes.cri.sandbox-uid": "6f1c2d7e",
      },
    });
    const { annotations } = records({ sandbox: undefined, spec: "{}" })["spec.dump"] as {
      annotations: object;
    };
    expect(Object.keys(annotations)).toHaveLength(4);
  });

  test("have the status with Go's names, enumerations as numbers, and nothing empty", () => {
    expect(records()["status.dump"]).toMatchObject({
      id: "c0ffee",
      metadata: { name: "nginx", attempt: 2 },
      state: 1,
      labels: { app: "web" },
      image_ref: "nginx@sha256:cafe",
      mounts: [{ container_path: "/data", host_path: "/srv", propagation: 1 }],
      resources: { linux: { cpu_shares: 512, memory_limit_in_bytes: 2 ** 40 } },
    });
    const keys = Object.keys(records()["status.dump"] as object);
    expect(keys).not.toEqual(expect.arrayContaining(["annotations"]));
    expect(keys).not.toEqual(expect.arrayContaining(["exit_code"]));
    expect(keys).not.toEqual(expect.arrayContaining(["$typeName"]));
  });

  test("keep all digits of 64 bits, their own and the runtime's", () => {
    const status = create(ContainerStatusSchema, { createdAt: 1795986120848969314n });
    const spec = '{"process":{"rlimits":[{"hard":18446744073709551615,"soft":1.5}]}}';
    const texts = planCheckpointRecords({
      ...{ inspect, status, spec, sandboxId: "s", sandbox: undefined, deleted: [] },
      checkpointedAt: "2026-11-29T21:02:01.187Z",
    });
    expect(texts["status.dump"]).toBe('{"created_at":1795986120848969314}');
    expect(texts.status).toContain('"CreatedAt":1795986120848969314,"StartedAt":0');
    expect(texts["spec.dump"]).toContain('{"hard":18446744073709551615,"soft":1.5}');
  });
});

test.each([
  [{ location: "" }, "location: must not be empty"],
  [{ location: "a.tar" }, 'location: "a.tar" must be an absolute path'],
  [{ location: "/a/../b" }, `location: "/a/../b" must not have '..' in it`],
  [{ location: "/a/" }, 'location: "/a/" must be the path of a file'],
  [{ location: "/a/." }, 'location: "/a/." must be the path of a file'],
  [{ location: "/a\0b" }, "location: must not contain NUL"],
  [{ timeout: -1n }, "timeout: must not be negative"],
])("a request with %p is refused", (change, message) => {
  const request = { location: "/var/lib/kubelet/checkpoints/c.tar", timeout: 0n };
  expect(() => validateCheckpointRequest(request)).not.toThrow();
  expect(() => validateCheckpointRequest({ ...request, ...change })).toThrow(message);
});
