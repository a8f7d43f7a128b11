import { text } from "node:stream/consumers";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AuthConfigSchema } from "@dockershim/cri-types";
import { Option } from "commander";
import { CliError } from "../cli-error.js";
import { forEachReference, tryOn } from "../objects/each-object.js";
import { showElapsed } from "../output/elapsed-line.js";
import type { Terminal } from "../output/terminal.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

interface PullOptions {
  creds?: string;
  auth?: string;
}

/** `dockershim pull` */
export const definePull: DefineCommand = (command, { terminal }) => {
  command
    .argument("<image...>", "names of images, as in a pod's specification")
    .addOption(
      new Option(
        "--creds <user:password>",
        "credentials for the registry; - reads them from stdin, so that no list of processes has them",
      ).conflicts("auth"),
    )
    .option(
      "--auth <text>",
      "the same as they stand in Docker's config.json: base64 of user:password",
    );
  addDebugOption(addRuntimeOptions(command));
  command.action(async (images: string[], options: PullOptions) => {
    const auth = await readAuth(options, terminal);
    if (auth !== undefined && images.length > 1) {
      throw new CliError(
        "usage",
        "pull: credentials are for one registry: name one image with them",
      );
    }
    const pulled = images.length === 1 ? images[0] : `${images.length} images`;
    await withRuntime(command, terminal, ({ image: service }) =>
      showElapsed(terminal, `pulling ${pulled}`, () =>
        forEachReference(
          images,
          async (image) => {
            const { imageRef } = await tryOn(`image ${image}`, () =>
              service.pullImage({ image: { image }, ...(auth && { auth }) }),
            );
            return `image ${image} pulled: ${imageRef}\n`;
          },
          (lines) => {
            terminal.stdout.write(lines.join(""));
          },
        ),
      ),
    );
  });
};

type Auth = MessageInitShape<typeof AuthConfigSchema>;

async function readAuth(
  { creds, auth }: PullOptions,
  terminal: Terminal,
): Promise<Auth | undefined> {
  if (auth !== undefined) return { auth };
  if (creds === undefined) return undefined;
  const given = creds === "-" ? (await text(terminal.stdin ?? process.stdin)).trimEnd() : creds;
  const colon = given.indexOf(":");
  // A password may have colons, a name may not.
  if (colon < 1) throw new CliError("usage", "--creds: write user:password");
  return { username: given.slice(0, colon), password: given.slice(colon + 1) };
}
