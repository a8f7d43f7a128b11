import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import type { FeatureGates } from "../../e2e/feature-gates.ts";
import { installImageTools, nodeSuiteImages, serialSuiteImages } from "../../e2e/images.ts";
import { addressBridge, nodeAddress } from "../../e2e/node.ts";
import { kubernetesPrograms, kubernetesVersion, nodeSuitePrograms } from "../../e2e/programs.ts";
import { labConfig } from "../../lab/config.ts";
import { serveImage } from "../../lab/images.ts";
import type { Judge } from "../judge.ts";
import { readKnownFailures } from "../known-failures.ts";
import { slice } from "./slice.ts";
import { runNodeSuite } from "./suite.ts";
import { claimSuiteHost, releaseSuiteHost } from "./suite-host.ts";

/** Which specs to run, and how. */
export interface NodeSuiteChoices {
  /** Regular expression of the specs to run, whatever their labels. */
  readonly focus: string | undefined;
  /** Only those of {@link slice}. */
  readonly slice: boolean;
  /** How many at a time. */
  readonly jobs: number;
  /** How often a spec runs that fails. */
  readonly attempts: number;
  /** Of Kubernetes' programs, those that are on or off other than by default. */
  readonly featureGates: FeatureGates;
}

/** What every node has to pass, as Kubernetes' own jobs choose it. */
const conformance = {
  focus: [String.raw`\[NodeConformance\]`],
  skip: [String.raw`\[Flaky\]`, String.raw`\[Serial\]`, String.raw`\[Slow\]`],
};

/** Kubernetes' tests of a node, with a kubelet, an API server and etcd of their own. */
export async function nodeSuiteJudge(choices: NodeSuiteChoices): Promise<Judge> {
  const { jobs, attempts, featureGates } = choices;
  const programs = await kubernetesPrograms(labConfig(), nodeSuitePrograms);
  await installImageTools();
  const which = choices.slice
    ? { ...conformance, focus: slice }
    : choices.focus === undefined
      ? conformance
      : { focus: [choices.focus], skip: [] };
  return {
    title: `Kubernetes' node suite ${kubernetesVersion()}`,
    suffix: "-node-suite",
    lock: "node-suite",
    knownFailures: readKnownFailures(join(import.meta.dirname, "known-failures.json")),
    async run(config, lab, { endpoint, folder, soFar }) {
      const images = nodeSuiteImages(lab.LAB_REGISTRY, programs.agnhost);
      if (choices.focus !== undefined) {
        images.push(...serialSuiteImages(lab.LAB_REGISTRY, programs["sample-device-plugin"]));
      }
      for (const image of images) await serveImage(config, image);
      const address = nodeAddress(lab);
      await addressBridge(lab, address);
      await claimSuiteHost(folder);
      try {
        return await runNodeSuite({
          programs,
          endpoint,
          address,
          folder,
          jobs,
          attempts,
          featureGates,
          soFar,
          ...which,
        });
      } finally {
        await removePods(endpoint).catch(report);
        await releaseSuiteHost(folder).catch(report);
      }
    },
  };
}

/** What cannot be cleared away is no reason to lose the verdict on what has ended. */
function report(error: unknown): void {
  console.error(`conformance: after the suite: ${error}`);
}

/** Removes what specs left when they failed. */
async function removePods(endpoint: string): Promise<void> {
  const cri = createCriClient({ endpoint });
  const { items } = await cri.runtime.listPodSandbox({});
  await Promise.all(items.map(({ id }) => cri.runtime.removePodSandbox({ podSandboxId: id })));
  cri.close();
}
