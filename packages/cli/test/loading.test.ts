import { existsSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { commands } from "../src/commands.js";
import { runBin } from "./dockershim-bin.js";

/** Tells on stderr what is loaded. */
const telling =
  'import{registerHooks}from"node:module";registerHooks({load(u,c,n){process.stderr.write(u+"\\n");return n(u,c)}})';

/** Packages of which something is loaded: this project's by their folders, others by their names. */
async function packagesOf(args: readonly string[]): Promise<string[]> {
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(telling)}` };
  const { stderr } = await runBin(args, env);
  const found = stderr.split("\n").flatMap((url) => {
    const [, name] =
      /^file:.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ??
      /^file:.*\/(packages\/[^/]+)\//.exec(url) ??
      [];
    return name === undefined ? [] : [name];
  });
  return [...new Set(found)].toSorted();
}

/** What each command has: the parser of arguments, and names for "did you mean". */
const own = ["commander", "leven", "packages/cli"];
const overGrpc = ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node"];
/** Where crictl has a configuration, it is read. */
const crictlFile = existsSync("/etc/crictl.yaml") ? ["yaml"] : [];
const asksRuntime = [
  ...[...own, ...overGrpc, ...crictlFile],
  ...["packages/cri-client", "packages/cri-types"],
];
const options = [...own, "packages/shim-server"];
/** dockerode's ways to a tar archive come with it. */
const dockerode = [
  ...["@balena/dockerignore", "bl", "chownr", "dockerode", "end-of-stream", "fs-constants"],
  ...["inherits", "mkdirp-classic", "once", "pump", "readable-stream", "tar-fs", "tar-stream"],
  ...["util-deprecate", "wrappy"],
];
const asksEngine = [...asksRuntime, ...options, ...dockerode, "packages/docker-client"];
const looksAtNode = [...asksEngine, "packages/cni", "packages/pod-sandbox"];

const none = ["-r", "unix:///nonexistent/x.sock"];
const nowhere = ["--root", "/nonexistent", ...none];

/** The packages that commands load, and arguments with which they come as far as their work. */
const rows: readonly (readonly [packages: readonly string[], commands: readonly string[][]])[] = [
  [own, [["help"], ["nosuch"]]],
  [
    options,
    [
      ["config", "validate", "--nosuch"],
      ["config", "default", "--nosuch"],
      ["serve", "--nosuch"],
      ["cri-dockerd", "--nosuch=1"],
    ],
  ],
  [
    asksRuntime,
    [
      ...[
        "version",
        "info",
        "pods",
        "ps",
        "images",
        "stats",
        "events",
        "metrics",
        "runtime-config",
      ].map((name) => [name, ...none]),
      ...["inspect", "describe", "logs", "attach", "pull", "start", "stop", "rm", "rmi"].map(
        (name) => [name, "x", ...none],
      ),
      ["exec", ...none, "x", "y"],
      ["update", "--memory", "1Mi", "x", ...none],
      ["checkpoint", "x", "-e", "/nonexistent/x", ...none],
      ["port-forward", "x", "80", ...none],
      ["timeline", "x", ...none],
    ],
  ],
  // It needs a terminal before it asks, and where one may be configured.
  [[...own, ...overGrpc, "packages/cri-client", "packages/cri-types"], [["top", ...none]]],
  [
    [...asksRuntime, "yaml"],
    [
      ["run", "/nonexistent", ...none],
      ["create", "x", "/nonexistent", "/nonexistent", ...none],
    ],
  ],
  // Input and output go over a WebSocket.
  [[...asksRuntime, "ws"], [["cp", "x:/a", "/nonexistent/b", ...none]]],
  [[...looksAtNode, "packages/spec-hook"], [["check", ...nowhere]]],
  [looksAtNode, [["gc", ...nowhere]]],
  [asksEngine, [["df", ...nowhere]]],
];

test.each(
  rows.flatMap(([packages, several]) =>
    several.map((args) => [args.join(" "), args, packages] as const),
  ),
)("%s loads what it uses", async (_, args, packages) => {
  expect(await packagesOf(args)).toEqual([...new Set(packages)].toSorted());
});

test("a shell that asks what completes a line has that line's command loaded", async () => {
  expect(await packagesOf(["complete", "--", "p"])).toEqual([...own, "@bomb.sh/tab"].toSorted());
});

test("each command has a row here, but for what changes the node or writes an archive", () => {
  const tested = new Set(rows.flatMap(([, several]) => several.map(([name]) => name)));
  const others = commands.map(({ name }) => name).filter((name) => !tested.has(name));
  expect(others).toEqual(["support-bundle", "install", "uninstall", "migrate"]);
});
