import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CliError, messageOf } from "../cli-error.js";
import { writeWhole } from "../machine/write-whole.js";
import type { DaemonFacts, Direction } from "./migration-facts.js";
import type { MigrationStep } from "./migration-step.js";

/** A migration that was begun. */
export interface BegunMigration {
  readonly direction: Direction;
  readonly steps: readonly MigrationStep[];
  /** How many steps were begun; the last of them may be done in part. */
  readonly begun: number;
  /** The process that does it. */
  readonly pid: number;
}

/** What is written down of migrations. */
export interface MigrationRecord {
  /** The one that was begun and neither finished nor taken back. */
  readonly running?: BegunMigration;
  /** The cri-dockerd of which this node was taken over. */
  readonly takenFrom?: { readonly unit: string; readonly endpoint: string };
}

/** Where a migration is written down before each step, so that it can be finished or taken back after a crash. */
export interface MigrationJournal {
  readonly file: string;
  /** @throws CliError failure when the file cannot be read. */
  read(): Promise<MigrationRecord>;
  write(record: MigrationRecord): Promise<void>;
}

export function createJournal(file: string): MigrationJournal {
  return {
    file,
    async read() {
      try {
        return JSON.parse(await readFile(file, "utf8")) as MigrationRecord;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") return {};
        const why = messageOf(cause);
        throw new CliError("failure", `${file}: ${why}`, { cause });
      }
    },
    async write(record) {
      if (Object.keys(record).length === 0) return await rm(file, { force: true });
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeWhole(file, JSON.stringify(record), 0o600);
    },
  };
}

/** What is remembered of the cri-dockerd that a node was taken over from. */
export function rememberOrigin({ units, endpoint }: DaemonFacts): MigrationRecord {
  const service = units.find(({ name }) => name.endsWith(".service"));
  return service === undefined ? {} : { takenFrom: { unit: service.name, endpoint } };
}
