import { diffLines } from "../output/line-diff.js";

/** Something that is done on the node. Doing it twice does no more than doing it once. */
export type MigrationAction =
  | { readonly kind: "systemctl"; readonly args: readonly string[] }
  | FileChange
  | CriWait;

/** A file's text before and after; undefined: there is no such file. */
export interface FileChange {
  readonly kind: "file";
  readonly file: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Where `from` is kept. */
  readonly backup: string | undefined;
  /** Where an earlier text was kept, which goes. */
  readonly obsolete: string | undefined;
  /** It is a program: texts are its bytes, as latin1. */
  readonly isProgram?: boolean;
  /** Its folder is made for it, and taken away with it. */
  readonly ownFolder: boolean;
}

/** Waits until a runtime serves, is ready, and has all pods that Docker has. */
export interface CriWait {
  readonly kind: "wait";
  /** As `unix:///path`. */
  readonly endpoint: string;
  readonly dockerEndpoint: string;
  /** Conditions of CRI's Status that must hold. */
  readonly conditions: readonly string[];
  /** Which pods it must have: those without the label of a dockershim, or all. */
  readonly pods: "unlabelled" | "all";
  /** Processes of containers, by id, that must still be theirs where the container runs. */
  readonly pids: Readonly<Record<string, number>>;
  /** Addresses of sandboxes, by id, that must still be told of those that run: a kubelet ends a pod without one. */
  readonly addresses: Readonly<Record<string, string>>;
  /** How long it may take at least, in ms, whatever the operator has said. */
  readonly leastMs: number;
}

/** A step of a migration. */
export interface MigrationStep {
  readonly title: string;
  readonly actions: readonly MigrationAction[];
  /** What takes it back, also when it was done in part only. */
  readonly undo: readonly MigrationAction[];
}

/** An action as people read it: what a shell would do, or what becomes of a file. */
export function describeAction(action: MigrationAction): string[] {
  switch (action.kind) {
    case "systemctl":
      return [`systemctl ${action.args.join(" ")}`];
    case "wait": {
      const [processes, addresses] = [action.pids, action.addresses].map(
        (each) => Object.keys(each).length,
      );
      return [
        `wait until ${action.endpoint} answers ${action.conditions.join(" and ")} and lists what ` +
          `Docker has, where ${processes} processes and ${addresses} addresses must still be the same`,
      ];
    }
    case "file":
      return describeChange(action);
  }
}

function describeChange({ file, from, to, backup, isProgram }: FileChange): string[] {
  if (to === undefined) return [`remove ${file}`];
  const kept = backup === undefined ? "" : `, keep the old one as ${backup}`;
  const head = `${from === undefined ? "write" : "change"} ${file}${kept}`;
  if (isProgram) return [head];
  return [head, ...diffLines(from ?? "", to).map((line) => `  ${line}`)];
}

/** The change that takes a change back. */
export function reverseChange(change: FileChange): FileChange {
  const { from, to, backup } = change;
  return { ...change, from: to, to: from, backup: undefined, obsolete: backup };
}
