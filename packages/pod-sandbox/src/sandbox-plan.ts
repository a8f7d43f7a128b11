import type { DNSConfig } from "@dockershim/cri-types";
import { toCgroupParent } from "./cgroup-parent.js";
import type { CreateContainerBody, HostConfig } from "./docker-create.js";
import type { EngineFacts } from "./engine-facts.js";
import {
  CONTAINER_NAME_LABEL,
  INSTANCE_LABEL,
  LOG_DIRECTORY_LABEL,
  RECORD_LABEL,
  RUNTIME_HANDLER_LABEL,
  SANDBOX_CONTAINER_NAME,
  SPEC_PATCH_LABEL,
  TYPE_SANDBOX,
  toDockerLabels,
} from "./labels.js";
import { sandboxName } from "./names.js";
import { sandboxNamespaces } from "./namespaces.js";
import { sandboxRecord } from "./record.js";
import { clampOomScoreAdj } from "./resources.js";
import { toDockerRuntime, toOciAnnotations } from "./runtime-handler.js";
import { sandboxSecurity } from "./security-context.js";
import type { SpecPatch } from "./spec-patch.js";
import { planSpecPatch } from "./spec-patch-plan.js";
import { userNamespaceOf } from "./user-namespace.js";
import { toUserFields } from "./users.js";
import type { ValidSandboxConfig } from "./validate-sandbox.js";

// The pause process uses next to no CPU, and must be among the last that an OOM kill takes: its
// death would end the pod.
const cpuShares = 2;
const oomScoreAdj = -998;
const shmBytes = 64 * 1024 * 1024;

/** What `planSandbox` needs to know. */
export interface SandboxPlanInput {
  config: ValidSandboxConfig;
  /** `RunPodSandboxRequest.runtime_handler`; `""` and `docker` mean the engine's default. */
  runtimeHandler: string;
  /** Reference or id of the pause image. */
  image: string;
  engine: EngineFacts;
  /** Which daemon owns what is created; goes into a label. */
  instance: string;
  /** Network of a pod that does not ask for the node's; that one always gets `host`. */
  networkMode: "none" | "host";
  /**
   * JSON text of a seccomp profile: the file that a Localhost profile names, or a small profile
   * made for the pause process. Without it Docker's default profile applies.
   */
  seccompProfile?: string | undefined;
  /**
   * A name that no other pod has, by which one shim of containerd serves the pod's containers;
   * without it each has a shim of its own, as before API 1.43.
   */
  shimGroup?: string | undefined;
}

/** A sandbox to create: plain data for `POST /containers/create`. */
export interface SandboxPlan {
  name: string;
  body: CreateContainerBody;
  /** Things an operator should know, as full sentences. */
  warnings: string[];
  /** What goes into the OCI spec by way of the spec hook; it is in a label of the body too. */
  specPatch?: SpecPatch | undefined;
}

/**
 * Plans the pause container of a pod.
 *
 * @throws PodSandboxError naming the field that this engine cannot do
 */
export function planSandbox(input: SandboxPlanInput): SandboxPlan {
  const { config, runtimeHandler, engine } = input;
  const warnings: string[] = [];
  const context = config.linux?.securityContext;
  const namespaces = sandboxNamespaces(context?.namespaceOptions, input.networkMode);
  const user = toUserFields(
    context && { ...context, runAsUsername: "" },
    // The pause image is ours and names no user, so there are no groups of its own to heed.
    "0:0",
    { uid: 0, gid: 0, groups: [] },
  );
  const { GroupAdd, ...userFields } = user;
  const patched = planSpecPatch({
    mounts: [],
    resources: undefined,
    cgroupWrites: [],
    extra: undefined,
    userNamespace: userNamespaceOf(context?.namespaceOptions),
    runtimeHandler,
    engine,
  });
  const runtime = patched?.runtime ?? toDockerRuntime(runtimeHandler, engine);
  const annotations = toOciAnnotations(runtimeHandler, engine, input.shimGroup, config.annotations);
  const cgroupParent = toCgroupParent(config.linux?.cgroupParent ?? "", engine);
  const sysctls = config.linux?.sysctls ?? {};
  const hasHostname = config.hostname !== "" && namespaces.UTSMode !== "host";
  const name = sandboxName(config.metadata);
  const body: CreateContainerBody = {
    Image: input.image,
    ...(hasHostname ? { Hostname: config.hostname } : {}),
    ...userFields,
    Labels: {
      ...sandboxLabels(name, input),
      ...(patched === undefined ? {} : { [SPEC_PATCH_LABEL]: JSON.stringify(patched.patch) }),
    },
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      ...namespaces,
      ...sandboxSecurity(context, input.seccompProfile, engine),
      ...(GroupAdd !== undefined ? { GroupAdd } : {}),
      ...(Object.keys(sysctls).length > 0 ? { Sysctls: { ...sysctls } } : {}),
      ...dnsFields(config.dnsConfig),
      ShmSize: shmBytes,
      RestartPolicy: { Name: "no" },
      // The pause process reaps by itself, and under its profile the engine's own init would end at once.
      Init: false,
      // The pause process writes nothing worth a log file.
      LogConfig: { Type: "none" },
      ...(runtime !== undefined ? { Runtime: runtime } : {}),
      ...(annotations !== undefined ? { Annotations: annotations } : {}),
      ...(cgroupParent !== undefined ? { CgroupParent: cgroupParent } : {}),
      CpuShares: cpuShares,
      OomScoreAdj: clampOomScoreAdj(oomScoreAdj, engine, warnings),
    },
  };
  return { name, body, warnings, specPatch: patched?.patch };
}

function sandboxLabels(name: string, input: SandboxPlanInput): Record<string, string> {
  const { config } = input;
  return {
    ...toDockerLabels(config.labels, config.annotations, TYPE_SANDBOX),
    [CONTAINER_NAME_LABEL]: SANDBOX_CONTAINER_NAME,
    [INSTANCE_LABEL]: input.instance,
    [RUNTIME_HANDLER_LABEL]: input.runtimeHandler,
    [LOG_DIRECTORY_LABEL]: config.logDirectory,
    [RECORD_LABEL]: sandboxRecord(name, config),
  };
}

/**
 * DNS goes into `HostConfig` too, though the server writes resolv.conf itself: an engine that
 * restarts writes the file anew from there.
 */
function dnsFields(
  dns: DNSConfig | undefined,
): Pick<HostConfig, "Dns" | "DnsSearch" | "DnsOptions"> {
  if (dns === undefined) return {};
  const { servers, searches, options } = dns;
  if (servers.length + searches.length + options.length === 0) return {};
  return {
    ...(servers.length > 0 ? { Dns: [...servers] } : {}),
    // Docker would take the node's search list where it is given none; a dot means none.
    DnsSearch: searches.length > 0 ? [...searches] : ["."],
    ...(options.length > 0 ? { DnsOptions: [...options] } : {}),
  };
}
