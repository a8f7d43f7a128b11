import { defaultsText, type ServiceNames } from "@dockershim/cli";

/** One of the two ways in which a node has the daemon; they exclude each other. */
export interface Flavour extends ServiceNames {
  /** Name of the package. */
  readonly name: string;
  /** Second line of its description, and what follows. */
  readonly description: readonly string[];
  /** What stands in its file in /etc/default. */
  readonly defaultsText: string;
  /** Whether it has /etc/dockershim/config.yaml. */
  readonly hasConfig: boolean;
  /** What the daemon keeps on the node. */
  readonly state: string;
  /** Further names of the executable. */
  readonly aliases: readonly string[];
  readonly provides: readonly string[];
  readonly conflicts: readonly string[];
}

export const flavours: readonly Flavour[] = [
  {
    name: "dockershim",
    description: [
      "The daemon between a kubelet, which speaks CRI, and Docker Engine, which does",
      "not; with a command to look at pods, containers and images of a node.",
    ],
    unit: "dockershim",
    command:
      "/usr/bin/dockershim serve --listen fd:// --config /etc/dockershim/config.yaml $DOCKERSHIM_OPTS",
    socket: "/run/dockershim/dockershim.sock",
    socketMode: "0600",
    defaults: "dockershim",
    defaultsText,
    hasConfig: true,
    state: "/var/lib/dockershim",
    aliases: [],
    provides: [],
    conflicts: ["dockershim-cri-dockerd"],
  },
  {
    name: "dockershim-cri-dockerd",
    description: [
      "The daemon between a kubelet and Docker Engine, under the name, the flags and",
      "the units of cri-dockerd, for tools that know that one only.",
    ],
    unit: "cri-docker",
    command: "/usr/bin/cri-dockerd --container-runtime-endpoint fd:// $CRI_DOCKERD_OPTS",
    socket: "/run/cri-dockerd.sock",
    socketMode: "0600",
    defaults: "cri-docker",
    defaultsText: `# Further flags of cri-dockerd. An example:
# CRI_DOCKERD_OPTS="--log-level debug"
CRI_DOCKERD_OPTS=""
`,
    hasConfig: false,
    state: "/var/lib/cri-dockerd",
    aliases: ["cri-dockerd"],
    provides: ["cri-dockerd"],
    conflicts: ["cri-dockerd", "dockershim"],
  },
];

/** Puts a flavour's names into the text of a script. */
export function fillIn(text: string, flavour: Flavour): string {
  const values: Readonly<Record<string, string>> = {
    SERVICE: `${flavour.unit}.service`,
    SOCKET: `${flavour.unit}.socket`,
    STATE: flavour.state,
  };
  return text.replace(/@([A-Z]+)@/g, (mark, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nothing is to stand for ${mark}`);
    return value;
  });
}
