import type { KubernetesObject } from "./kubectl.ts";
import type { Witness } from "./witness.ts";

/** The image of Kubernetes' own servers and clients for tests. */
export const agnhost = "registry.k8s.io/e2e-test-images/agnhost:2.66.1";

/** A container of that name that notes each of its starts, and then runs a line of shell. */
export function noting(
  witness: Witness,
  name: string,
  script: string,
  more: KubernetesObject = {},
): KubernetesObject {
  const { volumeMounts = [], env = [], ...rest } = more;
  return {
    name,
    image: agnhost,
    imagePullPolicy: "IfNotPresent",
    command: ["sh", "-c", `${witness.note(name)}; ${script}`],
    env: [...witness.fields.env, ...env],
    volumeMounts: [...witness.fields.volumeMounts, ...volumeMounts],
    ...rest,
  };
}

/** A pod with these containers. */
export function pod(witness: Witness, name: string, spec: KubernetesObject): KubernetesObject {
  const { volumes = [], ...rest } = spec;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 5,
      volumes: [witness.volume, ...volumes],
      ...rest,
    },
  };
}

/** A script that runs until it is told to end. */
export const forever = "trap 'exit 0' TERM; sleep 100000 & wait";

/**
 * A deployment as people have them: an init container, a sidecar, two servers, probes of every kind, both hooks.
 */
export function webDeployment(witness: Witness): KubernetesObject {
  const work = { volumeMounts: [{ name: "work", mountPath: "/shared" }] };
  const often = { periodSeconds: 1, timeoutSeconds: 10, failureThreshold: 60 };
  // Each is a process in the container or a call to it: every second they fill a node with one processor.
  const steadily = { ...often, periodSeconds: 5 };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          terminationGracePeriodSeconds: 20,
          volumes: [witness.volume, { name: "work", emptyDir: {} }],
          initContainers: [
            noting(witness, "setup", "echo ready >/shared/page", work),
            noting(witness, "sidecar", `cp /shared/page /shared/seen; ${forever}`, {
              ...work,
              restartPolicy: "Always",
              startupProbe: { exec: { command: ["test", "-e", "/shared/seen"] }, ...often },
            }),
          ],
          containers: [
            noting(witness, "web", "exec /agnhost netexec --http-port=8080", {
              ...work,
              env: [{ name: "VERSION", value: "1" }],
              ports: [{ containerPort: 8080 }],
              startupProbe: { httpGet: { path: "/healthz", port: 8080 }, ...often },
              readinessProbe: { tcpSocket: { port: 8080 }, ...often },
              livenessProbe: { exec: { command: ["test", "-e", "/shared/page"] }, ...steadily },
              lifecycle: {
                postStart: { exec: { command: ["sh", "-c", witness.note("postStart")] } },
                preStop: { exec: { command: ["sh", "-c", witness.note("preStop")] } },
              },
            }),
            noting(witness, "health", "exec /agnhost grpc-health-checking --http-port=8082", {
              livenessProbe: { grpc: { port: 5000 }, ...steadily },
            }),
          ],
        },
      },
    },
  };
}

/** A job of indexed pods, of which the second fails the first time. */
export function countingJob(witness: Witness): KubernetesObject {
  const index = "$JOB_COMPLETION_INDEX";
  const script = [
    `echo >>/noted/count.${index}`,
    `[ ${index} -ne 2 ] || [ $(wc -c </noted/count.2) -eq 2 ]`,
  ].join("; ");
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "count" },
    spec: {
      completions: 4,
      parallelism: 2,
      completionMode: "Indexed",
      backoffLimit: 4,
      template: {
        spec: {
          restartPolicy: "Never",
          volumes: [witness.volume],
          containers: [noting(witness, "main", script)],
        },
      },
    },
  };
}
