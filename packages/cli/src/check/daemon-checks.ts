import { isSameSocket } from "../machine/socket-path.js";
import type { Check } from "./check.js";
import { type Finding, fail, ok, skip, warn, worstOf } from "./finding.js";

/** In memory: what the daemon keeps would be gone after a restart of the node, and fill memory until then. */
const inMemory = ["tmpfs", "ramfs"];
const overNetwork = ["nfs", "nfs4", "cifs", "smb2", "9p", "fuse.sshfs"];

const day = 24 * 3_600_000;

export const daemonChecks: readonly Check[] = [
  {
    name: "runtime",
    runtime: "any",
    judge({ runtime: { kind, endpoint, about, conditions } }) {
      if (kind === "none") return skip(`nobody serves on ${endpoint}: ${about}`);
      const unmet = conditions.filter(({ status }) => !status);
      if (unmet.length === 0) return ok(`${about} serves on ${endpoint}`);
      return fail(
        unmet
          .map(({ type, reason, message }) => `${type} is false: ${message || reason}`)
          .join("; "),
        "dockershim info, and the lines above",
      );
    },
  },
  {
    name: "config",
    runtime: "docker",
    judge({ daemon: { optionsFrom, optionProblems } }) {
      return optionProblems.length === 0
        ? ok(`options of ${optionsFrom}`)
        : fail(
            optionProblems.join("; "),
            "dockershim config validate; the daemon does not start with them",
          );
    },
  },
  {
    name: "socket",
    runtime: "docker",
    judge({ daemon: { socket }, runtime }) {
      const { path, kind, mode, uid } = socket;
      if (kind === "missing") {
        return runtime.kind === "none"
          ? skip(`${path} is not there yet`)
          : ok(`${path} is passed on`);
      }
      if (kind === "other") {
        return fail(`${path} is no socket`, "remove it, or set listen to another path");
      }
      const about = `${path}, mode ${mode.toString(8).padStart(4, "0")}`;
      // Whoever may write to it is root on the node.
      if ((mode & 0o022) !== 0 || uid !== 0) {
        return warn(
          `${about}, owner ${uid}: others than root may use it, and so become root`,
          "chown root and chmod 0600; in a unit of systemd SocketMode=0600",
        );
      }
      return runtime.kind === "none"
        ? ok(`${about}, left over: the daemon replaces it`)
        : ok(about);
    },
  },
  {
    name: "root-dir",
    runtime: "docker",
    judge({ daemon: { options, rootDir } }) {
      const { exists, mode, uid, fileSystem, pid } = rootDir;
      const path = options.rootDir;
      if (!exists) return skip(`${path} is not there yet; the daemon makes it`);
      if (inMemory.includes(fileSystem)) {
        return warn(
          `${path} is in memory (${fileSystem}): a restart of the node loses what pods' logs and networks need`,
          "set rootDir to a folder on disk",
        );
      }
      if (fileSystem === "overlay") {
        return warn(
          `${path} is in a container's own layer (overlay), and goes with the container`,
          "put it on a volume, as Docker's data",
        );
      }
      if (overNetwork.includes(fileSystem)) {
        return warn(
          `${path} is on the network (${fileSystem}): locks and positions need a local disk`,
          "set rootDir to a folder of this node's",
        );
      }
      if (uid !== 0 || (mode & 0o022) !== 0) {
        return warn(
          `${path} has owner ${uid} and mode ${(mode & 0o7777).toString(8).padStart(4, "0")}: others than root may change it`,
          `chown root ${path}; chmod go-w ${path}`,
        );
      }
      const holder = pid === undefined ? "" : `, held by process ${pid}`;
      return ok(`${path}${fileSystem === "" ? "" : ` on ${fileSystem}`}${holder}`);
    },
  },
  {
    name: "addresses",
    runtime: "docker",
    judge({ daemon: { takenAddresses, options }, runtime }) {
      if (runtime.kind === "dockershim") return ok("the daemon has them");
      const own = [options.streamingBindAddr, options.metricsBindAddr].filter(
        (each) => each !== "",
      );
      return takenAddresses.length === 0
        ? ok(`${own.join(", ")} can be had`)
        : fail(
            `another process listens on ${takenAddresses.join(", ")}`,
            "end it, or set streamingBindAddr and metricsBindAddr",
          );
    },
  },
  {
    name: "streaming-tls",
    runtime: "docker",
    judge({ daemon: { certificateEnds, options }, node: { now } }) {
      const file = options.streamingTlsCertFile;
      if (certificateEnds === undefined) {
        const loopback = /^(?:127\.|\[?::1\]?:|localhost)/.test(options.streamingBindAddr);
        return loopback
          ? ok(`not needed: ${options.streamingBindAddr}`)
          : warn(
              `exec and attach are plain HTTP on ${options.streamingBindAddr}`,
              "set streamingTlsCertFile and streamingTlsKeyFile, or bind to 127.0.0.1",
            );
      }
      if (typeof certificateEnds === "string") {
        return fail(`${file}: ${certificateEnds}`, "name a certificate in PEM");
      }
      const until = new Date(certificateEnds).toISOString().slice(0, 10);
      if (certificateEnds <= now) return fail(`${file} has ended on ${until}`, "renew it");
      return certificateEnds - now < 30 * day
        ? warn(`${file} ends on ${until}`, "renew it, then systemctl reload dockershim")
        : ok(`${file} holds until ${until}`);
    },
  },
  {
    name: "hung-reads",
    runtime: "docker",
    judge({ runtime: { kind, unread } }) {
      if (unread === undefined) {
        return skip(
          kind === "dockershim" ? "this daemon does not tell" : "the daemon does not run",
        );
      }
      const { containers, images, names } = unread;
      if (containers + images === 0) return ok("Docker lets all containers and images be read");
      return warn(
        `Docker does not answer an inspect of ${containers} containers and ${images} images (${names.join(", ")}${names.length < containers + images ? ", …" : ""}): they are shown as its list has them`,
        'the daemon\'s log says why ("Docker does not let"); a restart of Docker often helps',
      );
    },
  },
  {
    name: "leftovers",
    runtime: "any",
    judge({ leftovers, runtime }) {
      if (runtime.kind === "none") return skip("the daemon does not run");
      if (leftovers.length === 0) return ok("none that is older than an hour");
      return warn(
        `nobody knows ${leftovers.map(({ kind, count }) => `${count} ${kind}`).join(", ")}`,
        "dockershim gc shows them, dockershim gc --yes removes them",
      );
    },
  },
  {
    name: "cri-dockerd",
    runtime: "any",
    judge({ criDockerdPid, runtime, kubelet: { settings } }) {
      if (criDockerdPid === undefined) return ok("does not run");
      const findings: Finding[] = [];
      const beside = `cri-dockerd runs (pid ${criDockerdPid})`;
      if (runtime.kind === "dockershim") {
        findings.push(
          fail(
            `${beside} beside dockershim: both take Docker's pods for theirs`,
            "dockershim migrate shows how to end it",
          ),
        );
      } else {
        findings.push(warn(beside, "dockershim migrate shows how the node goes over"));
      }
      const endpoint = typeof settings === "object" ? settings.endpoint : undefined;
      if (
        runtime.kind === "dockershim" &&
        endpoint !== undefined &&
        !isSameSocket(endpoint, runtime.endpoint)
      ) {
        findings.push(fail(`the kubelet asks ${endpoint}`, "set containerRuntimeEndpoint"));
      }
      return worstOf(findings);
    },
  },
];
