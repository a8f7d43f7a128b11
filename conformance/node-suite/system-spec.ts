/** The controllers of cgroup v2 that the suite wants a node to have, those that are no files among them. */
const wanted = ["cpu", "cpuset", "devices", "freezer", "memory", "pids"];

/**
 * What the suite shall ask of the machine before it starts, in place of its own list; undefined where that fits. It
 * ends at once on a kernel without cpuset, of which its specs for every node need nothing.
 *
 * @param controllers - the content of the root's `cgroup.controllers`; empty where cgroups are of version 1
 */
export function systemSpec(controllers: string): object | undefined {
  const present = controllers.trim().split(/\s+/);
  if (controllers === "" || present.includes("cpuset")) return undefined;
  return {
    os: "Linux",
    kernelSpec: { versions: [String.raw`[5-9]\..*`] },
    cgroupsV2: wanted.filter((name) => name !== "cpuset"),
  };
}
