import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerSchema,
  ContainerState,
  type ContainerStatusSchema,
  type ImageSchema,
  MountPropagation,
  NamespaceMode,
  type PodSandboxSchema,
  type PodSandboxStatusSchema,
} from "@dockershim/cri-types";
import { id, ids } from "./sample-ids.js";

const second = 1_000_000_000n;

export const images: MessageInitShape<typeof ImageSchema>[] = [
  {
    id: `sha256:${id("e")}`,
    repoTags: ["localhost:5000/web:1", "web:latest"],
    repoDigests: [`web@sha256:${id("f")}`],
    size: 4_268_000n,
    uid: { value: 1000n },
  },
  { id: `sha256:${id("f")}`, repoDigests: [`gone@sha256:${id("f")}`], size: 700n },
];

/** The configuration of the images. */
export const imageConfig: string = JSON.stringify({
  created: "2026-10-01T12:00:00Z",
  architecture: "amd64",
  os: "linux",
  config: {
    Entrypoint: ["/entry"],
    Cmd: ["serve", "--all it has"],
    Env: ["PATH=/bin"],
    ExposedPorts: { "80/tcp": {} },
    WorkingDir: "/srv",
    Labels: { maintainer: "us" },
  },
});

type Container = MessageInitShape<typeof ContainerSchema>;

/** The status of a container of the samples; `db` was killed for want of memory. */
export function containerStatus(
  container: Container,
  running: boolean,
  logPath: string,
): MessageInitShape<typeof ContainerStatusSchema> {
  const { metadata, image, labels, createdAt = 0n } = container;
  const killed = container.id === ids.db;
  const common = {
    ...{ id: container.id ?? "", metadata, image, labels, createdAt, logPath },
    imageId: `sha256:${id("e")}`,
    imageRef: `web@sha256:${id("f")}`,
    startedAt: createdAt + second,
    state: running ? ContainerState.CONTAINER_RUNNING : ContainerState.CONTAINER_EXITED,
    annotations: { "io.kubernetes.container.hash": "1f" },
  } as MessageInitShape<typeof ContainerStatusSchema>;
  if (!running) {
    return {
      ...common,
      finishedAt: createdAt + 90n * second,
      exitCode: killed ? 137 : 2,
      reason: killed ? "OOMKilled" : "Error",
      message: killed ? "" : "cannot open\nthe door",
    };
  }
  return {
    ...common,
    mounts: [
      { containerPath: "/etc/hosts", hostPath: "/var/lib/kubelet/pods/front/etc-hosts" },
      {
        containerPath: "/data",
        hostPath: "/srv/data",
        readonly: true,
        propagation: MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
      },
    ],
    resources: {
      linux: {
        cpuPeriod: 100_000n,
        cpuQuota: 50_000n,
        cpuShares: 256n,
        memoryLimitInBytes: 134_217_728n,
        memorySwapLimitInBytes: 134_217_730n,
        oomScoreAdj: 985n,
      },
    },
    user: { linux: { uid: 1000n, gid: 100n, supplementalGroups: [100n, 7n] } },
  } as MessageInitShape<typeof ContainerStatusSchema>;
}

/** The status of a pod of the samples, whose host it shares the network with. */
export function podStatus(
  sandbox: MessageInitShape<typeof PodSandboxSchema>,
): MessageInitShape<typeof PodSandboxStatusSchema> {
  const { metadata, state, createdAt, labels } = sandbox;
  return {
    ...{ id: sandbox.id ?? "", metadata, createdAt, labels },
    state,
    network: { ip: "10.1.0.7", additionalIps: [{ ip: "fd00::7" }] },
    linux: {
      namespaces: { options: { pid: NamespaceMode.NODE, network: NamespaceMode.POD } },
    },
    annotations: { "kubernetes.io/config.source": "api" },
  } as MessageInitShape<typeof PodSandboxStatusSchema>;
}
