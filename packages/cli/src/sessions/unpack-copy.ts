import { once } from "node:events";
import { mkdir, stat } from "node:fs/promises";
import { basename, dirname, posix, resolve } from "node:path";
import type { Readable } from "node:stream";
import { CliError } from "../cli-error.js";

/** What tells of what was left out. */
type Tell = (line: string) => void;

/** Set-user-id and its like are for the container's users, not for this node's. */
const ownModeBits = 0o777;

/**
 * Unpacks what a container's tar has made of one thing. The container is not trusted: nothing is written beside the
 * target, nobody else owns what is written, and links that lead out of it are left out.
 *
 * @param name The thing's own name in the archive; "." for what is in a folder.
 * @param to A folder that is there, into which it goes, or the name that it gets.
 * @param tell Told of what is left out, a line each.
 * @throws CliError failure when there is no folder for it, or the archive has something else in it.
 */
export async function unpackCopy(
  archive: Readable,
  name: string,
  to: string,
  tell: Tell,
): Promise<void> {
  const target = await findTarget(name, to);
  const { Unpack } = await import("tar");
  const unpack = new Unpack({
    cwd: target.folder,
    strict: true,
    preserveOwner: false,
    filter(path, entry) {
      const rest = belowName(path, name);
      if (rest === undefined) {
        const foreign = `cp: the container's tar sent "${path}", which is not in "${name}"`;
        unpack.abort(new CliError("failure", foreign));
        return false;
      }
      if (!("header" in entry)) return true;
      const left = whyLeftOut(entry.type, rest, entry.linkpath ?? "", name);
      if (left !== undefined) tell(`left out ${path}: ${left}`);
      return left === undefined;
    },
    onReadEntry(entry) {
      entry.path = posix.join(target.name, belowName(entry.path, name) ?? "");
      if (entry.type === "Link" && entry.linkpath !== undefined) {
        entry.linkpath = posix.join(target.name, belowName(entry.linkpath, name) ?? "");
      }
      if (entry.mode !== undefined) entry.mode &= ownModeBits;
    },
  });
  const done = once(unpack, "close");
  // After the first one there may be more.
  unpack.on("error", () => undefined);
  archive.once("error", (error) => unpack.abort(error));
  archive.pipe(unpack);
  try {
    await done;
  } finally {
    archive.unpipe(unpack);
  }
}

/** Into a folder that is there, or under a new name in one that is. */
async function findTarget(name: string, to: string): Promise<{ folder: string; name: string }> {
  const path = resolve(to);
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) return { folder: path, name };
  if (to.endsWith("/") && there === undefined) {
    throw new CliError("failure", `cp: there is no folder ${to}; make it first`);
  }
  if (name === ".") {
    await mkdir(path);
    return { folder: path, name };
  }
  const folder = dirname(path);
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
    throw new CliError("failure", `cp: there is no folder ${folder}; make it first`);
  }
  return { folder, name: basename(path) };
}

/** What is behind the thing's own name in a path of the archive; undefined for what is not in it. */
function belowName(path: string, name: string): string | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (path.startsWith("/") || parts.includes("..")) return undefined;
  if (name === ".") return parts.join("/");
  return parts[0] === name ? parts.slice(1).join("/") : undefined;
}

function whyLeftOut(
  type: string,
  rest: string,
  linkpath: string,
  name: string,
): string | undefined {
  switch (type) {
    case "SymbolicLink":
      return staysInside(rest, linkpath) ? undefined : `it is a link to ${linkpath}, outside`;
    case "Link":
      return belowName(linkpath, name) === undefined
        ? `it is a link to ${linkpath}, outside`
        : undefined;
    case "CharacterDevice":
    case "BlockDevice":
      return "it is a device";
    case "FIFO":
      return "it is a pipe";
    default:
      return undefined;
  }
}

/**
 * Whether a link leads to somewhere in the copied folder. Going up is for its beginning only: behind a name, which may be
 * a link itself, it could lead anywhere.
 */
function staysInside(rest: string, linkpath: string): boolean {
  if (linkpath.startsWith("/")) return false;
  const parts = linkpath.split("/").filter((part) => part !== "" && part !== ".");
  const up = parts.findIndex((part) => part !== "..");
  const ups = up < 0 ? parts.length : up;
  // The link's own name is no folder to go up from.
  const depth = rest.split("/").filter((part) => part !== "").length - 1;
  return ups <= depth && !parts.slice(ups).includes("..");
}
