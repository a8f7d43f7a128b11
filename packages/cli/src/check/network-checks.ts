import type { Check } from "./check.js";
import { fail, ok, skip, warn } from "./finding.js";

export const networkChecks: readonly Check[] = [
  {
    name: "cni",
    runtime: "any",
    judge({ daemon: { options }, network: { ready, network, reason, skipped } }) {
      if (options.networkPlugin === "none") return ok("off: pods have a loopback interface only");
      const files = options.cniConfDir;
      const remedy = `the cluster's network add-on brings one; cniConfDir (${files}) and cniBinDirs (${options.cniBinDirs.join(", ")}) say where it is looked for`;
      if (!ready || network === undefined) return fail(reason, remedy);
      const about = `${network.name} (${network.plugins.join(", ")}) of ${network.file}`;
      return skipped.length === 0
        ? ok(about)
        : warn(
            `${about}; passed over: ${skipped.join("; ")}`,
            "put those files right, or remove them",
          );
    },
  },
  {
    name: "cni-deep",
    runtime: "any",
    judge({ network: { ready, deep } }) {
      if (deep === undefined) {
        return skip(ready ? "--deep runs the plugins for real" : "there is no network to try");
      }
      const { failedAt, message, addresses, checked, milliseconds } = deep;
      if (failedAt === "none") {
        const commands = checked ? "ADD, CHECK and DEL" : "ADD and DEL";
        return ok(
          `${commands} in ${milliseconds} ms; ${addresses.join(", ")} was given and given back`,
        );
      }
      return fail(
        failedAt === "leftovers"
          ? `DEL left something behind: ${message}`
          : `${failedAt}: ${message}`,
        failedAt === "leftovers"
          ? "dockershim gc shows it"
          : "the log of the network add-on says more",
      );
    },
  },
  {
    name: "host-ports",
    runtime: "docker",
    judge({ network: { mappedPorts, listening } }) {
      if (mappedPorts.length === 0) return ok("no pod has any");
      const taken = mappedPorts.filter((mapped) =>
        listening.some(
          ({ port, protocol }) => port === mapped.port && protocol === mapped.protocol,
        ),
      );
      return taken.length === 0
        ? ok(`${mappedPorts.length} mapped, none of which a process of the node has`)
        : warn(
            `a process of the node listens on what a pod maps: ${taken.map(({ port, protocol }) => `${port}/${protocol}`).join(", ")}`,
            "it is not reached any more; let one of the two have another port",
          );
    },
  },
];
