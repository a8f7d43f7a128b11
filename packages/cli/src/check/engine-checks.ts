import type { Check } from "./check.js";
import type { CheckFacts, EngineFacts } from "./check-facts.js";
import { type Finding, fail, ok, skip, warn, worstOf } from "./finding.js";
import { isVersion, versionAtLeast } from "./versions.js";

type EngineAnswer = NonNullable<EngineFacts["answer"]>;

/** What dockershim speaks; Docker has the first since 20.10 and the last in 29.8. */
const oldestApi = "1.41";
const newestApi = "1.56";

/** The newest major version that the tests run on. */
const newestMajor = 29;

const settingsFile = "/etc/docker/daemon.json";

/** A check of what the engine answers. */
function engineCheck(
  name: string,
  judge: (answer: EngineAnswer, facts: CheckFacts) => Finding,
): Check {
  return {
    name,
    runtime: "docker",
    judge: (facts) => {
      const { answer } = facts.engine;
      return answer === undefined ? skip("the engine does not answer") : judge(answer, facts);
    },
  };
}

const security = ({ info }: EngineAnswer): string[] =>
  (info.SecurityOptions ?? []).map((option) => option.replace(/^name=|,.*/g, ""));

export const engineChecks: readonly Check[] = [
  {
    name: "engine",
    runtime: "docker",
    judge({ engine: { endpoint, problem, answer } }) {
      if (answer !== undefined) {
        return ok(`Docker ${answer.info.ServerVersion} answers at ${endpoint}`);
      }
      const remedy = /permission denied/.test(problem)
        ? "run this as root"
        : "systemctl status docker; --docker-endpoint names another socket";
      return fail(`Docker does not answer: ${problem}`, remedy);
    },
  },
  engineCheck("engine-here", (_, { engine: { process, endpoint } }) =>
    process === undefined
      ? fail(
          `Docker answers at ${endpoint}, and no dockerd runs here: pods' processes, cgroups, networks and logs are elsewhere`,
          "run dockershim where dockerd runs; in a container, with a dockerd of its own",
        )
      : ok("dockerd runs on this node"),
  ),
  engineCheck("engine-version", ({ info, version, apiVersion }) => {
    const range = `API ${version.MinAPIVersion ?? "?"} to ${version.ApiVersion}`;
    const spoken = `${range}, ${apiVersion} is spoken`;
    if (!versionAtLeast(version.ApiVersion, oldestApi)) {
      return fail(
        `Docker ${info.ServerVersion} has ${range}; dockershim needs ${oldestApi}`,
        "install Docker 20.10 or newer",
      );
    }
    if (version.MinAPIVersion && !versionAtLeast(newestApi, version.MinAPIVersion)) {
      return fail(
        `Docker ${info.ServerVersion} has ${range}; dockershim speaks up to ${newestApi}`,
        "install a newer dockershim",
      );
    }
    if (Number.parseInt(info.ServerVersion, 10) > newestMajor) {
      return warn(
        `${spoken}; dockershim is tested up to Docker ${newestMajor}`,
        "try it on a node that is not needed, or install a newer dockershim",
      );
    }
    return ok(spoken);
  }),
  engineCheck("oci-runtime", ({ info, version }, { engine: { settings } }) => {
    const part = version.Components?.find(({ Name }) => Name === "runc");
    const runc = part === undefined ? "runc" : `runc ${part.Version}`;
    const named = info.DefaultRuntime === "runc" ? runc : `${info.DefaultRuntime}, and ${runc}`;
    const features = typeof settings === "object" ? settings.features : undefined;
    const off =
      typeof features === "object" &&
      features !== null &&
      (features as Record<string, unknown>)["time-namespaces"] === false;
    // Docker 29.5 gives each container a time namespace.
    if (!versionAtLeast(info.ServerVersion, "29.5") || off) return ok(named);
    const remedy = `install runc 1.2 or newer, or set "features": {"time-namespaces": false} in ${settingsFile}`;
    if (info.DefaultRuntime !== "runc") {
      return warn(
        `${info.DefaultRuntime} is the default runtime; Docker ${info.ServerVersion} gives each container a time namespace, which it has to know`,
        remedy,
      );
    }
    if (part === undefined || !isVersion(part.Version)) {
      return warn(`runc's version is not known; time namespaces need 1.2`, remedy);
    }
    return versionAtLeast(part.Version, "1.2")
      ? ok(named)
      : fail(
          `runc ${part.Version} knows no time namespaces, and Docker ${info.ServerVersion} gives each container one: none starts`,
          remedy,
        );
  }),
  engineCheck("spec-hook", ({ specs: { specHook } }) =>
    "problem" in specHook
      ? warn(
          `${specHook.problem}; without it user namespaces and options of mounts are refused`,
          "docs/install.md of the sources: The spec hook",
        )
      : ok(`${specHook.runtime} changes what Docker's API has no field for`),
  ),
  engineCheck("user-namespaces", ({ specs: { userNamespaces } }) =>
    "problem" in userNamespaces
      ? skip(`pods have the node's: ${userNamespaces.problem}`)
      : ok("pods can have some of their own (hostUsers: false)"),
  ),
  engineCheck("storage-driver", ({ info }, { node: { disks } }) => {
    const { Driver: driver, DockerRootDir: dir } = info;
    if (["overlay2", "overlayfs"].includes(driver)) return ok(`${driver} in ${dir}`);
    const onOverlay = disks.some(
      ({ use, fileSystem }) => use === "images" && fileSystem === "overlay",
    );
    if (driver === "vfs") {
      if (onOverlay) {
        return warn(
          `vfs copies each image for each container: ${dir} is on overlay itself, where overlay2 cannot be`,
          `put ${dir} on a volume of the container that this node is`,
        );
      }
      return warn(
        `vfs copies each image for each container`,
        `use overlay2 ("storage-driver" in ${settingsFile})`,
      );
    }
    return warn(
      `${driver}: writable layers are measured on overlay2 and overlayfs only`,
      `use overlay2 ("storage-driver" in ${settingsFile})`,
    );
  }),
  engineCheck("live-restore", ({ info }) =>
    info.LiveRestoreEnabled
      ? ok("containers go on while Docker restarts")
      : warn(
          "off: a restart of Docker ends all pods",
          `set "live-restore": true in ${settingsFile}, then systemctl reload docker`,
        ),
  ),
  engineCheck("userns-remap", (answer) => {
    if (security(answer).includes("rootless")) {
      return fail(
        "Docker runs rootless: it can neither join pods to CNI networks nor set their limits",
        "run Docker as root",
      );
    }
    return security(answer).includes("userns")
      ? fail(
          "on: Docker refuses pods that are privileged or on the node's network",
          `remove "userns-remap" from ${settingsFile} and restart Docker`,
        )
      : ok("off");
  }),
  engineCheck("seccomp", (answer) =>
    security(answer).includes("seccomp")
      ? ok(security(answer).join(", "))
      : warn(
          "Docker has no seccomp: RuntimeDefault filters nothing",
          "use a kernel and a Docker with seccomp",
        ),
  ),
  engineCheck("checkpoints", ({ info }, { engine: { criu } }) => {
    if (!info.ExperimentalBuild) {
      return skip(`off: needs "experimental": true in ${settingsFile}, and CRIU`);
    }
    if (criu?.version === undefined) {
      return warn(
        "Docker is experimental, and its runtime finds no criu on its PATH",
        "install criu, or leave checkpoints be: nothing else needs it",
      );
    }
    return criu.problem === ""
      ? ok(`CRIU ${criu.version}`)
      : warn(
          `CRIU ${criu.version} does not do on this kernel: ${criu.problem}`,
          "install a newer CRIU, or leave checkpoints be: nothing else needs it",
        );
  }),
  engineCheck("log-driver", ({ info }, { daemon, engine: { settings } }) => {
    const own = `Docker's own is ${info.LoggingDriver}`;
    const given = typeof settings === "object" ? settings["log-opts"] : undefined;
    const options = typeof given === "object" && given !== null ? given : {};
    // Docker adds the options of its own driver to those of a container with the same one.
    const drops = "mode" in options && options.mode === "non-blocking";
    if (daemon.options.logMode === "cri" && info.LoggingDriver === "local" && drops) {
      return warn(
        "Docker drops lines of pods that write fast: its log-opts say mode non-blocking",
        `take "mode" and "max-buffer-size" out of "log-opts" in ${settingsFile}, or the driver "local"`,
      );
    }
    if (daemon.options.logMode === "cri") {
      return ok(`dockershim writes the logs of pods; ${own}, for other containers`);
    }
    return "max-size" in options && info.LoggingDriver === "json-file"
      ? ok("Docker writes the logs of pods, with a limit (json-file)")
      : warn(
          "Docker writes the logs of pods (logMode: docker) and nobody limits them",
          `set "log-driver": "json-file" and "log-opts": {"max-size": "10m", "max-file": "3"} in ${settingsFile}, or logMode: cri`,
        );
  }),
  engineCheck("engine-settings", (_, { engine: { settings } }) => {
    if (settings === undefined) return ok(`there is no ${settingsFile}`);
    return typeof settings === "string"
      ? fail(`${settingsFile}: ${settings}`, "put it right: Docker does not start again with it")
      : ok(`${settingsFile} is read`);
  }),
  engineCheck("engine-warnings", ({ info }) => {
    const found = (info.Warnings ?? []).map((text) => text.trim().replace(/^WARNING: /, ""));
    if (found.length === 0) return ok("Docker has none");
    // Each is the first sentence of what may be several lines.
    const lines = found.map((text) => text.split(/\n|(?<=\w)\. /)[0] ?? text);
    return warn(`Docker warns: ${lines.join("; ")}`, "docker info has them in full");
  }),
  engineCheck("oom-score", (_, { engine, daemon }) => {
    if (engine.process === undefined) return skip("dockerd is not seen on this node");
    const { oomScoreAdj, mayLowerOomScore } = engine.process;
    const findings: Finding[] = [
      mayLowerOomScore
        ? ok("Docker may protect pods as Kubernetes asks")
        : warn(
            "Docker has no CAP_SYS_RESOURCE: oom_score_adj of pods is raised to what it may set",
            "harmless in nested setups; give Docker the capability elsewhere",
          ),
    ];
    if (oomScoreAdj >= 0) {
      findings.push(
        warn(
          `dockerd's own oom_score_adj is ${oomScoreAdj}: the kernel may end it before pods`,
          "set OOMScoreAdjust=-500 in docker.service",
        ),
      );
    }
    if (daemon.oomScoreAdj !== undefined && daemon.oomScoreAdj >= 0) {
      findings.push(
        warn(
          `the daemon's own oom_score_adj is ${daemon.oomScoreAdj}: the kernel may end it before pods`,
          "run it by its unit of systemd, or set OOMScoreAdjust=-999 in it",
        ),
      );
    }
    return worstOf(findings);
  }),
];
