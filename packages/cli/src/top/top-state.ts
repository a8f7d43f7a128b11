import { hasEnded, rowName, type TopOrder, type TopRow, topOrders, topRows } from "./top-rows.js";
import type { TopSnapshot } from "./top-snapshot.js";

/** All that the screen shows, but for its size. */
export interface TopState {
  readonly snapshot: TopSnapshot | undefined;
  /** Why the last reading failed. */
  readonly problem: string | undefined;
  readonly order: TopOrder;
  readonly filter: string;
  readonly only: string | undefined;
  /** The id of the row that keys are about. */
  readonly chosen: string | undefined;
  readonly mode:
    | { readonly kind: "list" }
    | { readonly kind: "filter" }
    | { readonly kind: "help" }
    | { readonly kind: "confirm"; readonly row: TopRow }
    | { readonly kind: "text"; readonly text: string; readonly from: number };
  /** What was done last. */
  readonly said: string;
}

/** A key, as Node's readline names it. */
export interface Key {
  readonly name: string | undefined;
  readonly text: string;
  readonly ctrl: boolean;
}

/** What a key asks for beside another picture. */
export type Wish =
  | { readonly kind: "quit" }
  | { readonly kind: "describe" | "logs" | "shell" | "stop"; readonly row: TopRow };

export interface Answer {
  readonly state: TopState;
  readonly wish?: Wish;
}

export function initialState(order: TopOrder, filter: string): TopState {
  return {
    snapshot: undefined,
    problem: undefined,
    order,
    filter,
    only: undefined,
    chosen: undefined,
    mode: { kind: "list" },
    said: "",
  };
}

/** The rows that are shown, of which one is chosen. */
export function rowsOf(state: TopState): { rows: TopRow[]; at: number } {
  const rows = state.snapshot ? topRows(state.snapshot, state) : [];
  const at = rows.findIndex(({ id }) => id === state.chosen);
  return { rows, at: Math.max(0, at) };
}

/**
 * What a key makes of the state.
 *
 * @param page Lines that a page has.
 */
export function onKey(state: TopState, key: Key, page: number): Answer {
  if (key.ctrl && key.name === "c") return { state, wish: { kind: "quit" } };
  switch (state.mode.kind) {
    case "list":
      return onListKey(state, key, page);
    case "filter":
      return { state: onFilterKey(state, key) };
    case "help":
      return { state: { ...state, mode: { kind: "list" } } };
    case "confirm": {
      const { row } = state.mode;
      const back: TopState = { ...state, mode: { kind: "list" } };
      return key.name === "y"
        ? { state: { ...back, said: `stopping ${rowName(row)} …` }, wish: { kind: "stop", row } }
        : { state: { ...back, said: `${rowName(row)} goes on` } };
    }
    case "text": {
      const { mode } = state;
      if (key.name === "q" || key.name === "escape") {
        return { state: { ...state, mode: { kind: "list" } } };
      }
      const lines = mode.text.split("\n").length;
      const from = Math.max(0, Math.min(mode.from + stepOf(key, page), lines - page));
      return { state: { ...state, mode: { ...mode, from } } };
    }
  }
}

function onListKey(state: TopState, key: Key, page: number): Answer {
  const { rows, at } = rowsOf(state);
  const row = rows[at];
  const step = stepOf(key, page);
  if (step !== 0) {
    const next = rows[Math.max(0, Math.min(at + step, rows.length - 1))];
    return { state: { ...state, chosen: next?.id, said: "" } };
  }
  switch (key.text) {
    case "q":
      return { state, wish: { kind: "quit" } };
    case "s": {
      const order = topOrders[(topOrders.indexOf(state.order) + 1) % topOrders.length] ?? "cpu";
      return { state: { ...state, order, said: "" } };
    }
    case "/":
      return { state: { ...state, mode: { kind: "filter" }, said: "" } };
    case "?":
      return { state: { ...state, mode: { kind: "help" } } };
  }
  if (key.name === "escape") {
    if (state.only !== undefined) return { state: { ...state, only: undefined, said: "" } };
    return { state: { ...state, filter: "", said: "" } };
  }
  if (row === undefined) return { state };
  if (key.name === "return") {
    if (row.kind === "pod" && state.only === undefined) {
      return { state: { ...state, only: row.id, chosen: row.id, said: "" } };
    }
    return { state, wish: { kind: "describe", row } };
  }
  return onRowKey(state, key, row);
}

function onRowKey(state: TopState, key: Key, row: TopRow): Answer {
  const name = rowName(row);
  const say = (said: string): Answer => ({ state: { ...state, said } });
  switch (key.text) {
    case "l":
    case "e": {
      const container =
        row.kind === "pod" && row.pod.containers.length === 1 && row.pod.containers[0]
          ? ({
              kind: "container",
              id: row.pod.containers[0].id,
              pod: row.pod,
              container: row.pod.containers[0],
            } as const)
          : row;
      if (container.kind === "pod") return say(`choose one of the containers of ${name}`);
      if (key.text === "l") return { state, wish: { kind: "logs", row: container } };
      if (hasEnded(container)) return say(`${rowName(container)} has ended`);
      return { state, wish: { kind: "shell", row: container } };
    }
    case "k":
      if (hasEnded(row)) return say(`${name} has ended`);
      return { state: { ...state, mode: { kind: "confirm", row } } };
    default:
      return { state };
  }
}

function onFilterKey(state: TopState, key: Key): TopState {
  if (key.name === "return") return { ...state, mode: { kind: "list" } };
  if (key.name === "escape") return { ...state, mode: { kind: "list" }, filter: "" };
  if (key.name === "backspace") return { ...state, filter: state.filter.slice(0, -1) };
  const isText = !key.ctrl && /^[\x20-\x7e]$/.test(key.text);
  return isText ? { ...state, filter: state.filter + key.text } : state;
}

function stepOf({ name }: Key, page: number): number {
  switch (name) {
    case "up":
      return -1;
    case "down":
      return 1;
    case "pageup":
      return -page;
    case "pagedown":
    case "space":
      return page;
    case "home":
      return Number.NEGATIVE_INFINITY;
    case "end":
      return Number.POSITIVE_INFINITY;
    default:
      return 0;
  }
}
