import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type Command, Option } from "commander";
import { CliError } from "../cli-error.js";
import type { Terminal } from "../output/terminal.js";
import { addDebugOption } from "../runtime/runtime-options.js";

const endpointVariable = "DOCKER_HOST";

const defaultEndpoint = "unix:///var/run/docker.sock";

interface LoadOptions {
  dockerEndpoint?: string;
  quiet?: boolean;
}

/**
 * `dockershim images load`: brings images to a node that reaches no registry. CRI has no call for
 * it, so this goes to the Docker Engine itself; a running daemon hears of it from there.
 */
export function addImagesLoadCommand(images: Command, terminal: Terminal): void {
  const command = images
    .command("load")
    .description("load images from an archive that docker save made, straight into the engine")
    .argument("<file>", "a tar, also a compressed one; - reads it from standard input")
    .addOption(
      new Option(
        "--docker-endpoint <endpoint>",
        `the Docker Engine's socket (default: $${endpointVariable}, or ${defaultEndpoint})`,
      ),
    )
    .option("-q, --quiet", "print the images' names only");
  addDebugOption(command);
  command.action(async (file: string, { dockerEndpoint, quiet }: LoadOptions) => {
    const endpoint = dockerEndpoint ?? (terminal.env[endpointVariable] || defaultEndpoint);
    const archive = file === "-" ? (terminal.stdin ?? process.stdin) : await openArchive(file);
    for (const name of await load(endpoint, archive, file)) {
      terminal.stdout.write(quiet ? `${name}\n` : `Loaded ${name}\n`);
    }
  });
}

async function openArchive(path: string): Promise<Readable> {
  try {
    const handle = await open(path);
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new CliError("failure", `cannot read ${path}: it is a directory`);
    }
    return createReadStream(path, { fd: handle });
  } catch (error) {
    if (error instanceof CliError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError("failure", `cannot read ${path}: ${code ?? error}`, { cause: error });
  }
}

/** @returns Names of the images, or ids of those without one. */
async function load(endpoint: string, archive: Readable, file: string): Promise<string[]> {
  const { createDockerClient, isDockerError } = await import("@dockershim/docker-client");
  const docker = createDockerClient({ endpoint });
  try {
    const names = await docker.images.load(archive);
    if (names.length > 0) return names;
    throw new CliError("failure", `${file} holds no image`);
  } catch (error) {
    if (!isDockerError(error)) throw error;
    throw new CliError("failure", `cannot load ${file}: ${error.engineMessage}`, { cause: error });
  } finally {
    archive.destroy();
    await docker.close();
  }
}
