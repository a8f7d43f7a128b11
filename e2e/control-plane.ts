import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { freePort } from "../lab/ports.ts";
import type { Certificate } from "./certificates.ts";
import { createAuthority, createTokenKey, issueCertificate } from "./certificates.ts";
import { type FeatureGates, formatFeatureGates } from "./feature-gates.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { answers, endProgram, type Program, startProgram } from "./processes.ts";

/** The programs that a control plane is made of. */
export interface ControlPlanePrograms {
  readonly etcd: string;
  readonly "kube-apiserver": string;
  readonly "kube-controller-manager": string;
  readonly "kube-scheduler": string;
}

/** A control plane on loopback, and how others take part in it. */
export interface ControlPlane {
  readonly authority: Certificate;
  /** Where the API server answers on loopback. */
  readonly port: number;
  /** The kubeconfig of the user who may do everything. */
  readonly adminKubeconfig: string;
  /** A certificate for a node, and its kubeconfig. */
  admitNode(name: string, address: string): Promise<Certificate & { readonly kubeconfig: string }>;
}

const names = ["kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"] as const;

type Ports = Readonly<
  Record<"etcd" | "etcdPeer" | "apiserver" | "controllers" | "scheduler", number>
>;

/** The ports of a control plane stay its own when it is started again. */
async function portsOf(folder: string): Promise<Ports> {
  const file = join(folder, "control-plane-ports.json");
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  const port = (): Promise<number> => freePort("127.0.0.1");
  const ports: Ports = {
    etcd: await port(),
    etcdPeer: await port(),
    apiserver: await port(),
    controllers: await port(),
    scheduler: await port(),
  };
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

/** Whether a server whose certificate the authority signed answers 200. */
function answersSecurely(port: number, path: string, authority: Certificate): Promise<boolean> {
  return new Promise((resolve) => {
    const ca = readFileSync(authority.certificate);
    const call = request({ host: "127.0.0.1", port, path, ca, timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once("timeout", () => call.destroy());
    call.once("error", () => resolve(false));
    call.end();
  });
}

const flags = (options: Readonly<Record<string, string | number>>): string[] =>
  Object.entries(options).map(([flag, value]) => `--${flag}=${value}`);

function etcd(program: string, folder: string, { etcd: client, etcdPeer }: Ports): Program {
  const peer = `http://127.0.0.1:${etcdPeer}`;
  const url = `http://127.0.0.1:${client}`;
  return {
    name: "etcd",
    program,
    args: [
      ...flags({
        "data-dir": join(folder, "etcd"),
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": `default=${peer}`,
        "log-level": "warn",
      }),
      // A cluster of ours does not outlive the machine's power.
      "--unsafe-no-fsync",
    ],
    timeoutMs: 300_000,
    isReady: () => answers(`${url}/health`),
  };
}

/** Starts a control plane, or what of it does not run, and waits until it answers. */
export async function startControlPlane(
  folder: string,
  programs: ControlPlanePrograms,
  featureGates: FeatureGates = {},
): Promise<ControlPlane> {
  mkdirSync(folder, { recursive: true });
  const pki = join(folder, "pki");
  const ports = await portsOf(folder);
  const server = `https://127.0.0.1:${ports.apiserver}`;
  const authority = await createAuthority(pki);
  const tokens = createTokenKey(pki);
  const local = { addresses: ["127.0.0.1"] };
  const serving = await issueCertificate(pki, authority, { name: "control-plane", ...local });
  const admin = { group: "system:masters" };
  const toKubelet = await issueCertificate(pki, authority, { name: "apiserver", ...admin });

  async function kubeconfigFor(name: string, user: string, group?: string): Promise<string> {
    const subject = { name, user, ...(group === undefined ? {} : { group }) };
    const certificate = await issueCertificate(pki, authority, subject);
    return writeKubeconfig(join(folder, `${name}.kubeconfig`), server, authority, certificate);
  }

  const secure = {
    "bind-address": "127.0.0.1",
    "tls-cert-file": serving.certificate,
    "tls-private-key-file": serving.key,
    "feature-gates": formatFeatureGates(featureGates),
  };
  await startProgram(folder, etcd(programs.etcd, folder, ports));
  await startProgram(folder, {
    name: "kube-apiserver",
    program: programs["kube-apiserver"],
    args: flags({
      ...secure,
      "secure-port": ports.apiserver,
      "etcd-servers": `http://127.0.0.1:${ports.etcd}`,
      // Nothing brings pods to the API server's address on loopback, so it is not published.
      "endpoint-reconciler-type": "none",
      "service-cluster-ip-range": "10.96.0.0/16",
      "service-account-issuer": "https://kubernetes.default.svc",
      "service-account-key-file": tokens.public,
      "service-account-signing-key-file": tokens.private,
      "client-ca-file": authority.certificate,
      "kubelet-certificate-authority": authority.certificate,
      "kubelet-client-certificate": toKubelet.certificate,
      "kubelet-client-key": toKubelet.key,
      "kubelet-preferred-address-types": "InternalIP",
      "authorization-mode": "Node,RBAC",
      "enable-admission-plugins": "NodeRestriction",
      "allow-privileged": "true",
    }),
    timeoutMs: 900_000,
    isReady: () => answersSecurely(ports.apiserver, "/readyz", authority),
  });
  const controllers = "kube-controller-manager";
  await startProgram(folder, {
    name: controllers,
    program: programs[controllers],
    args: flags({
      ...secure,
      "secure-port": ports.controllers,
      kubeconfig: await kubeconfigFor(controllers, `system:${controllers}`),
      "service-account-private-key-file": tokens.private,
      "root-ca-file": authority.certificate,
      "cluster-signing-cert-file": authority.certificate,
      "cluster-signing-key-file": authority.key,
      "use-service-account-credentials": "true",
      // It makes this folder; the default is outside of ours.
      "flex-volume-plugin-dir": join(folder, "volume-plugins"),
      "leader-elect": "false",
    }),
    timeoutMs: 600_000,
    isReady: () => answersSecurely(ports.controllers, "/healthz", authority),
  });
  await startProgram(folder, {
    name: "kube-scheduler",
    program: programs["kube-scheduler"],
    args: flags({
      ...secure,
      "secure-port": ports.scheduler,
      kubeconfig: await kubeconfigFor("kube-scheduler", "system:kube-scheduler"),
      "leader-elect": "false",
    }),
    timeoutMs: 600_000,
    isReady: () => answersSecurely(ports.scheduler, "/healthz", authority),
  });

  return {
    authority,
    port: ports.apiserver,
    adminKubeconfig: await kubeconfigFor("admin", "admin", "system:masters"),
    async admitNode(name, address) {
      const certificate = await issueCertificate(pki, authority, {
        name,
        user: `system:node:${name}`,
        group: "system:nodes",
        addresses: [address],
      });
      const kubeconfig = join(folder, `${name}.kubeconfig`);
      writeKubeconfig(kubeconfig, server, authority, certificate);
      return { ...certificate, kubeconfig };
    },
  };
}

/** Ends the control plane, whatever of it runs. */
export async function endControlPlane(folder: string): Promise<void> {
  for (const name of names) await endProgram(folder, name);
}
