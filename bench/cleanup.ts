type Step = () => void | Promise<void>;

/** Undoes what a run made, last thing first, at its end and on a signal. */
export interface Cleanup {
  /** Adds a step; the function that is returned takes it away again. */
  add(step: Step): () => void;
  run(): Promise<void>;
  /** Throws once a signal has come, so that nothing more is made. */
  check(): void;
}

/** What a run is ended with by Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

export function createCleanup(): Cleanup {
  const steps: Step[] = [];
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (!interrupted) console.error("\nbench: removing what was made; please wait");
      interrupted = true;
    });
  }
  return {
    add(step) {
      steps.push(step);
      return () => {
        const index = steps.indexOf(step);
        if (index >= 0) steps.splice(index, 1);
      };
    },
    async run() {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        try {
          await step();
        } catch (err) {
          console.error(`bench: cleaning up: ${err instanceof Error ? err.message : err}`);
          process.exitCode = 1;
        }
      }
    },
    check() {
      if (interrupted) throw new Interrupted("interrupted");
    },
  };
}
