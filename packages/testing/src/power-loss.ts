import * as real from "node:fs/promises";
import { dirname } from "node:path";

/** A file's text as it is now, and what of it is on the disk for sure. */
interface Inode {
  text: string;
  synced: string | undefined;
}

/** A name that is given or taken, and whether that is on the disk for sure. */
interface NameChange {
  readonly path: string;
  /** Undefined when the name is taken. */
  readonly inode: Inode | undefined;
  durable: boolean;
}

/** The files that are left after a loss of power, by path. */
export type DiskState = Readonly<Record<string, string>>;

/** A file system that remembers the order of what is done to it; see {@link createPowerLossFs}. */
export interface PowerLossFs {
  /** In place of `node:fs/promises`: it does what is asked for as well. */
  readonly fs: typeof real;
  /** Hears after each step that changes a file or a name, or brings it to the disk. */
  onStep: (() => void) | undefined;
  /** What may be left if the power goes now. */
  states(): DiskState[];
}

/**
 * Follows what a program does with small files, to tell what a loss of power can leave of them.
 *
 * It supposes no more than POSIX promises: a text that was not synced is there, missing or cut
 * off, and names that were given or taken without their folder being synced since have reached the
 * disk or not, each by itself. File systems that do better only leave fewer states.
 */
export function createPowerLossFs(): PowerLossFs {
  const names: NameChange[] = [];
  const now = new Map<string, Inode>();

  function change(path: string, inode: Inode | undefined): void {
    if (inode === undefined) now.delete(path);
    else now.set(path, inode);
    names.push({ path, inode, durable: false });
  }

  function step(): void {
    follower.onStep?.();
  }

  async function open(...args: Parameters<typeof real.open>): Promise<real.FileHandle> {
    const handle = await real.open(...args);
    const [path, flags] = [String(args[0]), String(args[1] ?? "r")];
    if (!/^w/.test(flags)) return followFolder(handle, path);
    const inode = now.get(path) ?? { text: "", synced: undefined };
    inode.text = "";
    if (!now.has(path)) change(path, inode);
    step();
    return followFile(handle, inode);
  }

  function followFile(handle: real.FileHandle, inode: Inode): real.FileHandle {
    const sync = (work: () => Promise<void>) => async (): Promise<void> => {
      await work();
      inode.synced = inode.text;
      step();
    };
    return Object.assign(Object.create(handle), {
      async writeFile(text: string) {
        await handle.writeFile(text);
        inode.text += text;
        step();
      },
      sync: sync(() => handle.sync()),
      datasync: sync(() => handle.datasync()),
      chmod: (mode: number) => handle.chmod(mode),
      close: () => handle.close(),
    });
  }

  function followFolder(handle: real.FileHandle, folder: string): real.FileHandle {
    return Object.assign(Object.create(handle), {
      async sync() {
        await handle.sync();
        for (const name of names) if (dirname(name.path) === folder) name.durable = true;
        step();
      },
      read: handle.read.bind(handle),
      readFile: handle.readFile.bind(handle),
      stat: handle.stat.bind(handle),
      close: () => handle.close(),
    });
  }

  const follower: PowerLossFs = {
    onStep: undefined,
    fs: {
      ...real,
      open,
      async rename(from, to) {
        await real.rename(from, to);
        const inode = now.get(String(from));
        if (inode === undefined) return;
        change(String(from), undefined);
        change(String(to), inode);
        step();
      },
      async unlink(path) {
        await real.unlink(path);
        change(String(path), undefined);
        step();
      },
    },
    states() {
      const open = names.filter(({ durable }) => !durable);
      const states = Array.from({ length: 2 ** open.length }, (_, choice) => {
        const reached = new Set(open.filter((_name, at) => (choice >> at) % 2 === 1));
        const left = new Map<string, Inode>();
        for (const name of names) {
          if (!name.durable && !reached.has(name)) continue;
          if (name.inode === undefined) left.delete(name.path);
          else left.set(name.path, name.inode);
        }
        return textsOf([...left]);
      }).flat();
      return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
    },
  };
  return follower;
}

/** Each combination of what the files' texts may be. */
function textsOf([first, ...others]: readonly [string, Inode][]): DiskState[] {
  if (first === undefined) return [{}];
  const [path, { text, synced }] = first;
  const half = text.slice(0, Math.floor(text.length / 2));
  const texts =
    text === synced ? [text] : ["", half, text, ...(synced === undefined ? [] : [synced])];
  return textsOf(others).flatMap((rest) => texts.map((each) => ({ [path]: each, ...rest })));
}
