import { closeSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { fileIdentity } from "./plugin-path.js";

/**
 * What an executable is: a program for this machine, a script that names its
 * interpreter, or something else, which the system will not execute.
 */
export type ExecutableKind = "program" | "script" | "foreign";

/** Tells kinds, and remembers each until the file changes. */
export interface ExecutableKinds {
  /** Undefined when there is no such file, or it cannot be read. */
  of(path: string): ExecutableKind | undefined;
}

export function createExecutableKinds(): ExecutableKinds {
  const known = new Map<string, { readonly identity: string; readonly kind: ExecutableKind }>();
  const own = elfMachine(readHead("/proc/self/exe"));
  return {
    of: (path) => {
      const identity = fileIdentity(path);
      if (identity === undefined) return undefined;
      const remembered = known.get(path);
      if (remembered?.identity === identity) return remembered.kind;
      const head = readHead(path);
      if (head === undefined) return undefined;
      const kind = kindOf(head, own);
      known.set(path, { identity, kind });
      return kind;
    },
  };
}

function kindOf(head: Buffer, own: ElfMachine | undefined): ExecutableKind {
  if (head.toString("latin1", 0, 2) === "#!") return "script";
  const machine = elfMachine(head);
  return machine !== undefined && canRun(machine, own) ? "program" : "foreign";
}

interface ElfMachine {
  /** 1 for 32 bits, 2 for 64. */
  readonly wordSize: number;
  /** 1 for little-endian, 2 for big-endian. */
  readonly byteOrder: number;
  /** `e_machine`. */
  readonly machine: number;
}

const [em386, emArm, emX8664, emAarch64] = [3, 40, 62, 183];

/** A 64-bit x86 or ARM kernel also runs the programs of its 32-bit sibling. */
function canRun(program: ElfMachine, own: ElfMachine | undefined): boolean {
  if (own === undefined) return true;
  if (program.byteOrder !== own.byteOrder) return false;
  return (
    (program.machine === own.machine && program.wordSize === own.wordSize) ||
    (program.machine === em386 && own.machine === emX8664) ||
    (program.machine === emArm && own.machine === emAarch64)
  );
}

const elfHeadBytes = 20;

function readHead(path: string): Buffer | undefined {
  try {
    const file = openSync(path, "r");
    try {
      const head = Buffer.alloc(elfHeadBytes);
      return head.subarray(0, readSync(file, head));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function elfMachine(head: Buffer | undefined): ElfMachine | undefined {
  if (head === undefined || head.length < elfHeadBytes) return undefined;
  if (head.toString("latin1", 0, 4) !== "\x7fELF") return undefined;
  return {
    wordSize: head.readUInt8(4),
    byteOrder: head.readUInt8(5),
    machine: endianness() === "LE" ? head.readUInt16LE(18) : head.readUInt16BE(18),
  };
}
