import { lstat } from "node:fs/promises";
import { basename, dirname, posix, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type CriClient, CriClientError } from "@dockershim/cri-client";
import { CliError } from "../cli-error.js";
import { describeReadError } from "../machine/read-error.js";
import { type ContainerCandidate, findContainerCandidate } from "../objects/find-container.js";
import { showElapsed } from "../output/elapsed-line.js";
import type { Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { runTar } from "./container-tar.js";
import { type CopyPlace, parseCopyPlace, splitPath } from "./copy-place.js";
import { unpackCopy } from "./unpack-copy.js";

/** `dockershim cp` */
export const defineCp: DefineCommand = (command, { terminal }) => {
  command
    .argument("<from>", "a path here, or CONTAINER:PATH, as in web/nginx:/etc/nginx")
    .argument("<to>", "the other one; a folder that is there takes it in");
  addDebugOption(addRuntimeOptions(command));
  command.addHelpText(
    "after",
    `
It takes tar in the container. Modes and times stay. Out of a container
everything becomes yours, and into one root's where its user is root. Out of a
container, links that lead out of what is copied, devices and pipes are left
out, and said.

Examples:
  dockershim cp web/nginx:/etc/nginx/nginx.conf .
  dockershim cp ./site web/nginx:/usr/share/nginx/html`,
  );
  command.action((from: string, to: string) =>
    withRuntime(command, terminal, async (client) => {
      const [source, target] = [parseCopyPlace(from), parseCopyPlace(to)];
      const remotes = [source, target].filter(({ container }) => container !== undefined);
      if (remotes.length !== 1) {
        throw new CliError("usage", "cp: one of both is in a container: write CONTAINER:PATH");
      }
      const container = await findContainerCandidate(client, remotes[0]?.container ?? "");
      const copy = source.container === undefined ? copyIn : copyOut;
      await showElapsed(terminal, `copying ${from}`, () =>
        copy(client, container, source, target, terminal),
      );
    }),
  );
};

async function copyOut(
  client: CriClient,
  container: ContainerCandidate,
  source: CopyPlace,
  target: CopyPlace,
  { stderr }: Terminal,
): Promise<void> {
  const { folder, name } = splitPath(source.path);
  const args = ["-cf", "-", "-C", folder, "--", name];
  await runTar(client, container.id, nameOf(container), args, "out", async ({ stdout }) => {
    if (stdout === null) return;
    try {
      await unpackCopy(stdout, name, target.path, (line) => stderr.write(`dockershim: ${line}\n`));
    } finally {
      // What is not wanted any more is read to its end, so that the command's own end comes.
      stdout.resume();
    }
  });
}

async function copyIn(
  client: CriClient,
  container: ContainerCandidate,
  source: CopyPlace,
  target: CopyPlace,
): Promise<void> {
  const path = resolve(source.path);
  await lstat(path).catch((error) => {
    throw new CliError("failure", `cp: cannot read ${source.path}: ${describeReadError(error)}`);
  });
  const own = basename(path);
  const { folder, name } = (await isFolder(client, container.id, target.path))
    ? { folder: target.path, name: own }
    : splitPath(target.path);
  const { Pack } = await import("tar");
  const args = ["-xmf", "-", "-C", folder];
  await runTar(client, container.id, nameOf(container), args, "in", async ({ stdin }) => {
    if (stdin === null) return;
    const pack = new Pack({
      cwd: dirname(path),
      strict: true,
      onWriteEntry(entry) {
        const rename = (path: string): string => posix.join(name, path.slice(own.length));
        entry.path = rename(entry.path);
        if (entry.type === "Link" && entry.linkpath) entry.linkpath = rename(entry.linkpath);
        // Users of this node mean nothing in the container.
        entry.myuser = "";
        if (entry.stat) Object.assign(entry.stat, { uid: 0, gid: 0 });
      },
    });
    pack.add(own);
    pack.end();
    await pipeline(Readable.from(pack), stdin);
  });
}

/** Where that cannot be asked, a path with a slash at its end is one. */
async function isFolder(client: CriClient, containerId: string, path: string): Promise<boolean> {
  try {
    const cmd = ["test", "-d", path];
    const { exitCode } = await client.runtime.execSync({ containerId, cmd, timeout: 10n });
    return exitCode === 0 || (exitCode > 1 && path.endsWith("/"));
  } catch (error) {
    if (error instanceof CriClientError && error.reason !== undefined) throw error;
    return path.endsWith("/");
  }
}

function nameOf(container: ContainerCandidate): string {
  return container.names.at(-1) ?? container.id;
}
