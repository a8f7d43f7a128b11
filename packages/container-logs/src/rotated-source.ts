import { closeSync, constants, openSync, readSync } from "node:fs";
import { identityAt, identityOfFd } from "./file-identity.js";

/** Docker's log files of one container, oldest first, read as one. */
export interface RotatedSource {
  /** Identity and offset of what is read next; undefined before the first file was found. */
  readonly position: { identity: string; offset: number } | undefined;
  /** Looks for files that are new since the last look, and holds them open. */
  refresh(): void;
  /** Reads from the position without moving it. Returns the number of bytes, 0 at the end. */
  read(buffer: Buffer): number;
  /** Moves the position forward in the file that it is in. */
  consume(bytes: number): void;
  /**
   * Goes to the next file, if the one that was read to its end is complete.
   *
   * @param leftover Bytes at its end that are no message.
   */
  advance(): boolean;
  /** Whether nothing newer than the file being read is known, and the look at them was certain. */
  readonly atNewest: boolean;
  close(): void;
}

export interface RotatedSourceOptions {
  /** The newest file; the ones before it have `.1`, `.2` … behind it, as Docker rotates. */
  readonly path: string;
  /** Where to go on. When its file is not there any more, reading begins with the oldest one. */
  readonly from: { readonly identity: string; readonly offset: number } | undefined;
  /** Called when files were removed before they could be read. */
  readonly onGap: (reason: string) => void;
}

interface Generation {
  readonly fd: number;
  readonly identity: string;
}

/** Docker keeps fewer; a look at a folder must end. */
const maxRotated = 64;

/** A container whose target takes nothing may hold so many removed files on disk. */
const maxHeld = 16;

/** So many looks in a row may find the files in the middle of a rotation. */
const maxUncertainLooks = 50;

/**
 * Opens Docker's files of a container.
 *
 * Docker rotates without asking whether its files were read. A file that is held open can be read
 * after Docker removed it, so it is enough to look often enough to see each file while it has a
 * name.
 *
 * @returns undefined when there is no file yet; `resumed` tells whether the file of `from` was
 * found.
 */
export function openRotatedSource(
  options: RotatedSourceOptions,
): { source: RotatedSource; resumed: boolean } | undefined {
  const { path, from, onGap } = options;
  const first = findGenerations(path, from?.identity);
  if (first === undefined || first.generations.length === 0) return undefined;
  const generations = first.generations;
  const resumed = from !== undefined && first.reached;
  let offset = resumed ? from.offset : 0;
  let uncertain = 0;
  let removed = false;

  function newest(): Generation {
    return generations.at(-1) as Generation;
  }

  function refresh(): void {
    const current = identityAt(path);
    removed = current === undefined && ++uncertain >= maxUncertainLooks;
    if (current === undefined) return;
    if (current.identity === newest().identity) {
      uncertain = 0;
      return;
    }
    // In the middle of a rotation names are missing: the next look tells.
    const found = findGenerations(path, newest().identity);
    if (found === undefined || (!found.reached && ++uncertain < maxUncertainLooks)) {
      if (found === undefined) uncertain++;
      else closeAll(found.generations);
      return;
    }
    uncertain = 0;
    const [known, ...newer] = found.reached ? found.generations : [undefined, ...found.generations];
    if (known === undefined) onGap("the engine rotated its files away before they were read");
    else closeSync(known.fd);
    generations.push(...(newer as Generation[]));
    while (generations.length > maxHeld) {
      closeSync((generations.shift() as Generation).fd);
      offset = 0;
      onGap("the log file took nothing for too long");
    }
  }

  return {
    resumed,
    source: {
      get position() {
        return { identity: (generations[0] as Generation).identity, offset };
      },
      get atNewest() {
        return generations.length === 1 && (uncertain === 0 || removed);
      },
      refresh,
      read: (buffer) =>
        readSync((generations[0] as Generation).fd, buffer, 0, buffer.length, offset),
      consume(bytes) {
        offset += bytes;
      },
      advance() {
        if (generations.length === 1) return false;
        closeSync((generations.shift() as Generation).fd);
        offset = 0;
        return true;
      },
      close() {
        closeAll(generations);
      },
    },
  };
}

/**
 * Opens the newest file and those before it back to the one with the given identity, or to the
 * oldest. Returns undefined when a rotation came in between.
 */
function findGenerations(
  path: string,
  until: string | undefined,
): { generations: Generation[]; reached: boolean } | undefined {
  const found: Generation[] = [];
  let reached = false;
  try {
    for (let index = 0; index < maxRotated && !reached; index++) {
      const fd = openIfThere(index === 0 ? path : `${path}.${index}`);
      if (fd === undefined) break;
      const generation = { fd, identity: identityOfFd(fd) };
      found.unshift(generation);
      reached = generation.identity === until;
    }
    // The names moved on while they were being opened if the newest file is another one by now.
    const distinct = new Set(found.map(({ identity }) => identity)).size === found.length;
    if (distinct && identityAt(path)?.identity === found.at(-1)?.identity) {
      return { generations: found, reached };
    }
  } catch (err) {
    closeAll(found);
    throw err;
  }
  closeAll(found);
  return undefined;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw err;
  }
}

function closeAll(generations: readonly Generation[]): void {
  for (const { fd } of generations) closeSync(fd);
}
