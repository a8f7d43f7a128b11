import type { Need } from "../debian.ts";
import type { NodeImage } from "./image.ts";

/** What a node has, whatever runs its kernel. */
export interface NodeMachine {
  readonly image: NodeImage;
  /** The node's own layer of the disk. */
  readonly disk: string;
  /** The file that gets what the node writes on its console. */
  readonly console: string;
  /** A folder of the node's own. */
  readonly folder: string;
  readonly memoryMiB: number;
  readonly processors: number;
}

/** A program that is a node while it runs. */
export interface NodeProgram {
  readonly program: string;
  readonly args: readonly string[];
  /**
   * The command whose standard streams are a connection to the node's SSH.
   *
   * @param pid of the program
   */
  reach(pid: number): readonly string[];
}

/** What runs a node's kernel on this machine. */
export interface Accelerator {
  readonly needs: readonly Need[];
  /** The name of a node's layer of the disk. */
  readonly diskName: string;
  /** Makes a node's layer on a raw disk that stays as it is. */
  makeDisk(base: string, disk: string): Promise<void>;
  programOf(machine: NodeMachine): Promise<NodeProgram>;
}
