/** Something that cri-dockerd left on the node of a pod that is gone. */
export interface Leftover {
  /**
   * `checkpoint`: its own file; `network`: a CNI result, behind which addresses, rules for host ports and interfaces
   * may be left too; `address`: a lease of host-local without a result.
   */
  readonly kind: "checkpoint" | "network" | "address";
  readonly file: string;
  /** The sandbox. */
  readonly id: string;
  /** `namespace/name`, where it is known. */
  readonly pod: string;
  readonly hostPorts: readonly number[];
}

/** What was found on the node. */
export interface Remains {
  readonly checkpoints: readonly {
    readonly file: string;
    readonly id: string;
    readonly pod: string;
  }[];
  readonly results: readonly {
    readonly file: string;
    readonly id: string;
    readonly pod: string;
    readonly hostPorts: readonly number[];
    /** Whether it is in the cache of cri-dockerd alone, which other runtimes don't use. */
    readonly own: boolean;
  }[];
  /** Files of host-local, which all runtimes of a node share. */
  readonly addresses: readonly { readonly file: string; readonly id: string }[];
  /** All containers that Docker has. */
  readonly present: ReadonlySet<string>;
}

/**
 * What may go: never anything of a container that Docker has, nor what may be another runtime's.
 */
export function findLeftovers({ checkpoints, results, addresses, present }: Remains): Leftover[] {
  const gone = ({ id }: { readonly id: string }): boolean => !present.has(id);
  const known = new Set([
    ...checkpoints.map(({ id }) => id),
    ...results.filter(({ own }) => own).map(({ id }) => id),
  ]);
  const networks = results.filter((each) => gone(each) && known.has(each.id));
  // Those of a result are given back by the plugins.
  const withResult = new Set(networks.map(({ id }) => id));
  return [
    ...networks.map(({ own: _, ...rest }) => ({ kind: "network" as const, ...rest })),
    ...addresses
      .filter((each) => gone(each) && known.has(each.id) && !withResult.has(each.id))
      .map((each) => ({ kind: "address" as const, ...each, pod: "", hostPorts: [] })),
    ...checkpoints
      .filter(gone)
      .map((each) => ({ kind: "checkpoint" as const, ...each, hostPorts: [] })),
  ];
}

/** A leftover in a line. */
export function describeLeftover({ kind, file, pod, hostPorts, id }: Leftover): string {
  const what = { checkpoint: "checkpoint", network: "network", address: "address" }[kind];
  const ports = hostPorts.length === 0 ? "" : `, host ports ${hostPorts.join(", ")}`;
  return `${what} of pod ${pod || id.slice(0, 13)}${ports}: ${file}`;
}
