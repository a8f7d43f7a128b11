import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CniCommand } from "../src/errors.js";
import type { JsonObject } from "../src/json.js";

/** One call that a fake plugin was given. */
export interface RecordedCall {
  readonly plugin: string;
  readonly command: string;
  readonly containerId: string;
  readonly netns: string;
  readonly ifName: string;
  readonly args: string;
  readonly path: string;
  readonly request: JsonObject;
}

/** Executable scripts in a folder of their own that record their calls and do as they are told. */
export interface FakePlugins {
  readonly root: string;
  readonly binDir: string;
  readonly cacheDir: string;
  /** A file that passes for a network namespace. */
  readonly netns: string;
  /** Installs a plugin that answers every operation with success. */
  install(type: string, options?: { readonly versions?: readonly string[] }): Promise<string>;
  /** Sets the shell commands that a plugin runs for an operation. */
  script(type: string, command: CniCommand, commands: string): Promise<void>;
  calls(): Promise<RecordedCall[]>;
  /** The calls as `COMMAND plugin`, without VERSION. */
  sequence(): Promise<string[]>;
  remove(): Promise<void>;
}

export const fakeResult: JsonObject = {
  interfaces: [{ name: "br0" }, { name: "eth0", mac: "02:00:00:00:00:01", sandbox: "ns" }],
  ips: [{ address: "10.1.0.5/16", gateway: "10.1.0.1", interface: 1 }],
  routes: [{ dst: "0.0.0.0/0" }],
};

const separator = "\x1f";

export async function createFakePlugins(): Promise<FakePlugins> {
  const root = await mkdtemp(join(tmpdir(), "cni-test-"));
  const [binDir, scriptDir] = [join(root, "bin"), join(root, "scripts")];
  const [log, netns] = [join(root, "calls"), join(root, "netns")];
  await Promise.all([mkdir(binDir), mkdir(scriptDir), writeFile(log, ""), writeFile(netns, "")]);

  const script = (type: string, command: CniCommand, commands: string) =>
    writeFile(join(scriptDir, `${type}.${command}`), commands);

  const calls = async () => {
    const lines = (await readFile(log, "utf8")).split("\n").filter((line) => line !== "");
    return lines.map((line) => {
      const [
        plugin = "",
        command = "",
        containerId = "",
        ns = "",
        ifName = "",
        args = "",
        path = "",
        request = "{}",
      ] = line.split(separator);
      return {
        plugin,
        command,
        containerId,
        netns: ns,
        ifName,
        args,
        path,
        request: JSON.parse(request) as JsonObject,
      };
    });
  };

  return {
    root,
    binDir,
    cacheDir: join(root, "cache"),
    netns,
    install: async (type, { versions = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"] } = {}) => {
      const path = join(binDir, type);
      const fields = [
        "CNI_COMMAND",
        "CNI_CONTAINERID",
        "CNI_NETNS",
        "CNI_IFNAME",
        "CNI_ARGS",
        "CNI_PATH",
      ];
      await writeFile(
        path,
        [
          "#!/bin/sh",
          "input=$(cat)",
          `printf '%s\\037' ${type} ${fields.map((field) => `"$${field}"`).join(" ")} >"${root}/line.$$"`,
          `printf '%s\\n' "$input" >>"${root}/line.$$"`,
          // One append of the whole line, so that calls in parallel stay apart.
          `cat "${root}/line.$$" >>"${log}"; rm "${root}/line.$$"`,
          `if [ -e "${scriptDir}/${type}.$CNI_COMMAND" ]; then . "${scriptDir}/${type}.$CNI_COMMAND"; fi`,
          "",
        ].join("\n"),
      );
      await chmod(path, 0o755);
      const version = JSON.stringify({ cniVersion: "1.1.0", supportedVersions: versions });
      await script(type, "VERSION", `echo '${version}'`);
      await script(type, "ADD", `echo '${JSON.stringify(fakeResult)}'`);
      return path;
    },
    script,
    calls,
    sequence: async () =>
      (await calls())
        .filter(({ command }) => command !== "VERSION")
        .map(({ command, plugin }) => `${command} ${plugin}`),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** The shell commands that report a failure as the specification has it. */
export function failing(code: number, msg: string, details = ""): string {
  return `echo '${JSON.stringify({ cniVersion: "1.0.0", code, msg, details })}'; exit 1`;
}
