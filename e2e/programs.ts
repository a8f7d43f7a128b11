import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../lab/cache.ts";
import type { LabConfig } from "../lab/config.ts";
import { unpackPackages } from "../lab/debian.ts";
import { requireGo, runGo } from "../lab/go-programs.ts";
import { LabError } from "../lab/lab-error.ts";

/** What can be built, and the Go package that each is of; one that ends in `.test` is the package's tests. */
const packages = {
  kubelet: "k8s.io/kubernetes/cmd/kubelet",
  kubectl: "k8s.io/kubernetes/cmd/kubectl",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
  "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
  "e2e_node.test": "k8s.io/kubernetes/test/e2e_node",
  "e2e.test": "k8s.io/kubernetes/test/e2e",
  agnhost: "k8s.io/kubernetes/test/images/agnhost",
  "sample-device-plugin": "k8s.io/kubernetes/test/images/sample-device-plugin",
  ginkgo: "github.com/onsi/ginkgo/v2/ginkgo",
} as const;

export type KubernetesProgram = keyof typeof packages;

/** The programs that a cluster is made of. */
export const clusterPrograms = [
  "kubelet",
  "kubectl",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
] as const satisfies readonly KubernetesProgram[];

/** Kubernetes' tests of a node, with what they run and what runs them. */
export const nodeSuitePrograms = [
  "kubelet",
  "e2e_node.test",
  "agnhost",
  "sample-device-plugin",
  "ginkgo",
] as const satisfies readonly KubernetesProgram[];

/** Kubernetes' tests of a cluster, with what they run and what runs them. */
export const conformancePrograms = [
  ...clusterPrograms,
  "e2e.test",
  "agnhost",
  "ginkgo",
] as const satisfies readonly KubernetesProgram[];

const moduleDir = join(import.meta.dirname, "kubernetes");

/** The version of Kubernetes that go.mod pins, such as "v1.37.2". */
export function kubernetesVersion(): string {
  const text = readFileSync(join(moduleDir, "go.mod"), "utf8");
  const version = /^\s*(?:require )?k8s\.io\/kubernetes (v\S+)/m.exec(text)?.[1];
  if (version === undefined) throw new LabError("host", `${moduleDir}/go.mod pins no Kubernetes`);
  return version;
}

/** Without these a program says that it is v0.0.0, and refuses to work with the others. */
function linkerFlags(version: string): string {
  const [major, minor] = version.slice(1).split(".");
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const set = Object.entries(values).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  return ["-s -w", ...set].join(" ");
}

/**
 * Builds programs of Kubernetes from the Go module proxy into the lab's cache, unless they are there. The
 * first build of all takes a quarter of an hour on two cores; it is done once, whatever runs ask for it.
 *
 * @returns the path of each program
 * @throws LabError when there is no Go, or a build fails
 */
export async function kubernetesPrograms<P extends KubernetesProgram>(
  { cacheDir }: Pick<LabConfig, "cacheDir">,
  wanted: readonly P[],
): Promise<Record<P, string>> {
  const version = kubernetesVersion();
  const sums = readFileSync(join(moduleDir, "go.sum"));
  const sum = createHash("sha256").update(sums).digest("hex").slice(0, 12);
  const folder = join(cacheDir, `kubernetes-${version}-${sum}`);
  mkdirSync(folder, { recursive: true });
  for (const [index, name] of wanted.entries()) {
    const which = wanted.length === 1 ? "" : ` (${index + 1} of ${wanted.length})`;
    const what = `building ${name} ${version} with Go${which}; the first time takes minutes`;
    await build(join(folder, name), { what, name, package: packages[name], version });
  }
  return Object.fromEntries(wanted.map((name) => [name, join(folder, name, name)])) as Record<
    P,
    string
  >;
}

/** Builds one program into a folder of the cache, unless it is there. */
async function build(
  target: string,
  program: { what: string; name: string; package: string; version: string },
): Promise<void> {
  const { what, name, version } = program;
  await cacheFolder(target, { what }, async ({ part, lock }) => {
    const go = await requireGo("Kubernetes");
    const verb = name.endsWith(".test") ? ["test", "-c", "-vet=off"] : ["build"];
    const output = ["-o", join(part, name)];
    const args = [...verb, "-ldflags", linkerFlags(version), ...output, program.package];
    const env = { CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" };
    await runGo(go, args, { cwd: moduleDir, env, inherit: lock });
  });
}

/** Builds our own driver of dynamic resources, with Kubernetes' library for that; anew when its source has changed. */
export async function draDriverProgram({ cacheDir }: Pick<LabConfig, "cacheDir">): Promise<string> {
  const name = "dra-driver";
  const version = kubernetesVersion();
  const sources = [join(moduleDir, "go.sum"), join(moduleDir, name, "main.go")];
  const hash = createHash("sha256");
  for (const source of sources) hash.update(readFileSync(source));
  const target = join(cacheDir, `${name}-${hash.digest("hex").slice(0, 12)}`);
  const what = `building ${name} with Go`;
  await build(target, { what, name, package: `./${name}`, version });
  return join(target, name);
}

/** Where etcd is: Debian's package of it, unpacked into the lab's cache. */
export async function etcdProgram({ cacheDir }: Pick<LabConfig, "cacheDir">): Promise<string> {
  const tree = join(cacheDir, "etcd");
  await unpackPackages(tree, ["etcd-server"], { suite: "sid" });
  return join(tree, "usr/bin/etcd");
}
