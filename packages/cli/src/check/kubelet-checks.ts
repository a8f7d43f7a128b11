import { isSameSocket } from "../machine/socket-path.js";
import type { KubeletSettings } from "../node/read-kubelet.js";
import type { Check } from "./check.js";
import type { CheckFacts } from "./check-facts.js";
import { type Finding, fail, ok, skip, warn } from "./finding.js";
import { versionAtLeast } from "./versions.js";

/** A check of what the kubelet's configuration file says. */
function settingsCheck(
  name: string,
  runtime: Check["runtime"],
  judge: (settings: KubeletSettings, facts: CheckFacts) => Finding,
): Check {
  return {
    name,
    runtime,
    judge: (facts) => {
      const { settings } = facts.kubelet;
      return typeof settings === "object"
        ? judge(settings, facts)
        : skip("the kubelet's configuration is not known");
    },
  };
}

export const kubeletChecks: readonly Check[] = [
  {
    name: "kubelet",
    runtime: "any",
    judge({ kubelet: { pid, version, configFile, settings } }) {
      const who = version === undefined ? "the kubelet" : `kubelet ${version}`;
      if (typeof settings === "string") {
        return fail(`${configFile}: ${settings}`, "put the kubelet's configuration right");
      }
      if (settings === undefined) {
        const why = `there is no ${configFile}`;
        return pid === undefined
          ? skip(`no kubelet runs, and ${why}; --kubelet-config names another file`)
          : warn(`${who} runs (pid ${pid}), and ${why}`, "--kubelet-config names its file");
      }
      return ok(
        `${who} ${pid === undefined ? "does not run" : `runs (pid ${pid})`}, with ${configFile}`,
      );
    },
  },
  settingsCheck("kubelet-endpoint", "any", ({ endpoint }, { runtime, kubelet }) => {
    if (endpoint === undefined) {
      return kubelet.pid === undefined
        ? skip("the kubelet's file names no CRI socket")
        : ok("the kubelet's file names no CRI socket: its flags do");
    }
    return isSameSocket(endpoint, runtime.endpoint)
      ? ok(`the kubelet asks ${endpoint}`)
      : warn(
          `the kubelet asks ${endpoint}, not ${runtime.endpoint}`,
          "dockershim migrate takes a node over from cri-dockerd; else set containerRuntimeEndpoint",
        );
  }),
  settingsCheck(
    "cgroup-driver",
    "docker",
    ({ cgroupDriver = "cgroupfs" }, { engine, kubelet, node }) => {
      if (engine.answer === undefined) return skip("the engine does not answer");
      const { CgroupDriver: own } = engine.answer.info;
      if (cgroupDriver !== own) {
        const differ = `the kubelet's file says ${cgroupDriver}, Docker has ${own}`;
        const remedy = `set cgroupDriver: ${own} in ${kubelet.configFile}`;
        // From then on it asks the runtime (KubeletCgroupDriverFromCRI).
        return kubelet.version !== undefined && versionAtLeast(kubelet.version, "1.34")
          ? warn(`${differ}; this kubelet takes Docker's`, remedy)
          : fail(`${differ}: no pod starts`, remedy);
      }
      return own === "cgroupfs" && node.systemd && node.cgroups.version === 2
        ? warn(
            "cgroupfs: two managers work on one tree, for systemd runs here",
            `set "exec-opts": ["native.cgroupdriver=systemd"] in /etc/docker/daemon.json, and cgroupDriver: systemd for the kubelet; drain the node first`,
          )
        : ok(`${own}, at Docker and the kubelet`);
    },
  ),
  {
    name: "cgroup-version",
    runtime: "any",
    judge({ node: { cgroups }, kubelet: { settings, configFile, version } }) {
      if (cgroups.version === undefined) {
        return fail("no cgroup hierarchy is mounted", "mount cgroup2 on /sys/fs/cgroup");
      }
      const wanted = ["cpu", "cpuset", "memory", "pids"];
      const missing = wanted.filter((name) => !cgroups.controllers.includes(name));
      if (missing.length > 0) {
        return fail(
          `cgroup v${cgroups.version} without ${missing.join(", ")}: the kubelet needs them`,
          "turn them on where the kernel is started (cgroup_enable=…)",
        );
      }
      if (cgroups.version === 2) return ok("v2");
      const about = "v1: out of memory kills, pressure and QoS of memory are known on v2 only";
      const isNew = version !== undefined && versionAtLeast(version, "1.35");
      if (typeof settings === "object" && settings.failCgroupV1 !== false) {
        const remedy = `set failCgroupV1: false in ${configFile}, or start the node with cgroup v2`;
        return isNew || settings.failCgroupV1 === true
          ? fail("v1: this kubelet does not start on it (failCgroupV1)", remedy)
          : warn(`${about}; from 1.35 on no kubelet starts on it (failCgroupV1)`, remedy);
      }
      return warn(about, "start the node with cgroup v2");
    },
  },
  settingsCheck("stats-from-cri", "docker", ({ featureGates }, { kubelet }) =>
    featureGates.PodAndContainerStatsFromCRI === true
      ? ok("the kubelet asks the runtime for figures of pods (PodAndContainerStatsFromCRI)")
      : warn(
          "PodAndContainerStatsFromCRI is off: the kubelet's metrics have nothing of containers and of pods' networks",
          `set featureGates: {PodAndContainerStatsFromCRI: true} in ${kubelet.configFile}`,
        ),
  ),
  settingsCheck(
    "feature-gates",
    "docker",
    ({ featureGates }, { kubelet: { version, configFile } }) =>
      featureGates.EventedPLEG === true &&
      (version === undefined || !versionAtLeast(version, "1.37"))
        ? warn(
            "EventedPLEG is on: before 1.37 a kubelet then runs init containers again",
            `remove it from featureGates in ${configFile}`,
          )
        : ok("none that does harm"),
  ),
  settingsCheck("swap", "any", ({ failSwapOn = true }, { node, kubelet }) => {
    if (node.swaps.length === 0) return ok("off");
    const on = `on (${node.swaps.join(", ")})`;
    return failSwapOn
      ? fail(
          `${on}: the kubelet does not start`,
          `swapoff -a, or failSwapOn: false in ${kubelet.configFile}`,
        )
      : ok(`${on}, and the kubelet puts up with it`);
  }),
];
