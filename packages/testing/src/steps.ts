/** What goes wrong at one step, or is done beside it. */
export interface Fault {
  /**
   * `refused`: nothing is done and the step fails. `lost`: it is done, and whoever asked for it is
   * not told but sees a failure. Default: neither.
   */
  readonly outcome?: "refused" | "lost";
  /** Awaited before the step is done. */
  readonly before?: (step: StepInProgress) => unknown;
  /** Awaited after the step was done, before that is told. */
  readonly after?: (step: StepInProgress) => unknown;
  /** Whether it is done although whoever asked for it went away before. Default: no. */
  readonly regardless?: boolean;
}

/** A step that a fake is taking. */
export interface StepInProgress {
  readonly name: string;
  /** Settles once whoever asked for the step has gone. */
  readonly left: Promise<void>;
}

/** The steps that fakes take, in one order, with the faults that are planned for them. */
export interface Steps {
  /** Names of the steps taken since the last {@link Steps.forget}; the second of a name ends in ` (2)`. */
  readonly taken: readonly string[];
  /** Begins to count anew, and plans nothing. */
  forget(): void;
  /** Plans a fault for the step that will have this name. */
  plan(name: string, fault: Fault): void;
  /**
   * Takes a step.
   *
   * @param departure Whether whoever asked for it has gone, and the moment of that.
   * @param act What is done.
   * @returns `done` with what was done; `refused` or `lost` as planned; `left` when whoever asked
   * had gone before it was done, which it then is not.
   */
  take<T>(name: string, departure: Departure, act: () => T | Promise<T>): Promise<StepResult<T>>;
}

/** Whether whoever asked for a step has gone. */
export interface Departure {
  readonly now: () => boolean;
  readonly ever: Promise<void>;
}

export type StepResult<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "refused" | "lost" | "left" };

/** Nobody goes from a step that is over at once. */
export const stays: Departure = { now: () => false, ever: new Promise(() => undefined) };

export function createSteps(): Steps {
  let taken: string[] = [];
  let counts = new Map<string, number>();
  let faults = new Map<string, Fault>();

  function name(kind: string): string {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count === 1 ? kind : `${kind} (${count})`;
  }

  return {
    get taken() {
      return taken;
    },
    forget() {
      taken = [];
      counts = new Map();
      faults = new Map();
    },
    plan: (step, fault) => void faults.set(step, fault),
    async take(kind, departure, act) {
      const step: StepInProgress = { name: name(kind), left: departure.ever };
      taken.push(step.name);
      const fault = faults.get(step.name);
      await fault?.before?.(step);
      if (fault?.outcome === "refused") return { kind: "refused" };
      if (departure.now() && fault?.regardless !== true) return { kind: "left" };
      const value = await act();
      await fault?.after?.(step);
      return fault?.outcome === "lost" ? { kind: "lost" } : { kind: "done", value };
    },
  };
}
