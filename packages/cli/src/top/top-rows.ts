import {
  isRunning,
  type TopContainer,
  type TopPod,
  type TopSnapshot,
  type Use,
} from "./top-snapshot.js";

export const topOrders = ["cpu", "memory", "pressure", "network", "restarts", "name"] as const;
export type TopOrder = (typeof topOrders)[number];

/** A line that can be chosen. */
export type TopRow =
  | { readonly kind: "pod"; readonly id: string; readonly pod: TopPod }
  | {
      readonly kind: "container";
      readonly id: string;
      readonly pod: TopPod;
      readonly container: TopContainer;
    };

export interface TopSelection {
  readonly order: TopOrder;
  /** A part of a pod's or container's name. */
  readonly filter: string;
  /** The id of the only pod that is shown. */
  readonly only: string | undefined;
}

/** Pods with their containers below them, as they are asked for; those with the most come first. */
export function topRows(
  { pods }: Pick<TopSnapshot, "pods">,
  { order, filter, only }: TopSelection,
): TopRow[] {
  return pods
    .filter(({ id }) => only === undefined || id === only)
    .toSorted((a, b) => compare(a, b, order))
    .flatMap((pod): TopRow[] => {
      const whole = pod.name.includes(filter);
      const containers = pod.containers
        .filter(({ name }) => whole || `${pod.name}/${name}`.includes(filter))
        .toSorted((a, b) => compare(a, b, order));
      if (!whole && containers.length === 0) return [];
      return [
        { kind: "pod", id: pod.id, pod },
        ...containers.map(
          (each) => ({ kind: "container", id: each.id, pod, container: each }) as const,
        ),
      ];
    });
}

/** What a row is called in messages and by other commands. */
export function rowName(row: TopRow): string {
  return row.kind === "pod" ? row.pod.name : `${row.pod.name}/${row.container.name}`;
}

/** Whether it is of no use to stop it, or to run something in it. */
export function hasEnded(row: TopRow): boolean {
  return row.kind === "pod" ? !row.pod.ready : !isRunning(row.container);
}

type Sortable = Use & { readonly name: string; readonly restarts: number } & Partial<
    Pick<TopPod, "received" | "sent">
  >;

function compare(a: Sortable, b: Sortable, order: TopOrder): number {
  return measure(b, order) - measure(a, order) || (a.name < b.name ? -1 : 1);
}

function measure(each: Sortable, order: TopOrder): number {
  switch (order) {
    case "cpu":
      return each.cpu ?? -1;
    case "memory":
      return Number(each.memory ?? -1n);
    case "pressure":
      return each.pressure ?? -1;
    case "network":
      return (each.received ?? -1) + (each.sent ?? 0);
    case "restarts":
      return each.restarts;
    case "name":
      return 0;
  }
}
