/** What goes wrong at one step, or is done beside it. */
export interface Fault {
  /**
   * `refused`: nothing is done and the step fails. `lost`: it is done, and whoever asked for it is
   * not told but sees a failure. `hollow`: it is done, and what is told of it is an empty object.
   * Default: none of them.
   */
  readonly outcome?: "refused" | "lost" | "hollow";
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
   * Has whoever asks for steps be killed: nothing is done for it any more, nor told to it, until {@link Steps.revive}.
   *
   * @param at Before or after a step that changes something (none that begins with `GET`), after so many others.
   * Default: now.
   */
  kill(at?: KillMoment): void;
  revive(): void;
  /**
   * Takes a step.
   *
   * @param departure Whether whoever asked for it has gone, and the moment of that.
   * @param act What is done.
   * @returns `done` with what was done; `refused` or `lost` as planned; `left` when whoever asked
   * had gone or was killed before it was done, which it then is not.
   */
  take<T>(name: string, departure: Departure, act: () => T | Promise<T>): Promise<StepResult<T>>;
}

/** When whoever asks for steps is killed. */
export interface KillMoment {
  /** How many steps that change something go well before. */
  readonly steps: number;
  readonly when: "before" | "after";
}

/** Whether whoever asked for a step has gone. */
export interface Departure {
  readonly now: () => boolean;
  readonly ever: Promise<void>;
}

export type StepResult<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "refused" | "lost" | "hollow" | "left" };

/** Nobody goes from a step that is over at once. */
export const stays: Departure = { now: () => false, ever: new Promise(() => undefined) };

export function createSteps(): Steps {
  let taken: string[] = [];
  let counts = new Map<string, number>();
  let faults = new Map<string, Fault>();
  let killed = false;
  let killing: KillMoment | undefined;

  /** Whether this step is the one at which somebody is killed, and when. */
  function killedAt(kind: string): KillMoment["when"] | undefined {
    if (killing === undefined || kind.startsWith("GET ")) return undefined;
    const { steps, when } = killing;
    killing = steps > 0 ? { steps: steps - 1, when } : undefined;
    return steps > 0 ? undefined : when;
  }

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
    kill(at) {
      killing = at;
      killed = at === undefined;
    },
    revive() {
      killing = undefined;
      killed = false;
    },
    plan: (step, fault) => void faults.set(step, fault),
    async take(kind, departure, act) {
      const step: StepInProgress = { name: name(kind), left: departure.ever };
      taken.push(step.name);
      const fault = faults.get(step.name);
      await fault?.before?.(step);
      const kill = killedAt(kind);
      if (kill === "before") killed = true;
      if (killed) return { kind: "left" };
      if (fault?.outcome === "refused") return { kind: "refused" };
      if (departure.now() && fault?.regardless !== true) return { kind: "left" };
      const value = await act();
      await fault?.after?.(step);
      if (kill === "after") killed = true;
      if (killed) return { kind: "lost" };
      return fault?.outcome === undefined ? { kind: "done", value } : { kind: fault.outcome };
    },
  };
}
