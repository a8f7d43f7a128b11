import { delimiter } from "node:path";
import { type Attachment, formatCniArgs } from "./attachment.js";
import { type CniCommand, CniError } from "./errors.js";
import { isJsonObject, type JsonObject } from "./json.js";
import type { Network, PluginConfig } from "./network-config.js";
import type { PluginExec, PluginExit } from "./plugin-exec.js";
import { findPlugin } from "./plugin-path.js";

/** Calls plugins: environment and standard input in, standard output or an error out. */
export interface PluginCaller {
  /**
   * Runs one operation of one plugin.
   *
   * @returns what the plugin printed
   * @throws CniError with plugin and command
   */
  call(call: PluginCall): Promise<string>;
}

export interface PluginCall {
  readonly command: CniCommand;
  readonly type: string;
  /** The configuration given on standard input. */
  readonly request: JsonObject;
  /** ADD, DEL and CHECK are about an attachment; `netns` may be empty for DEL. */
  readonly attachment?: Attachment | undefined;
  readonly signal: AbortSignal;
}

export function createPluginCaller(options: {
  readonly binDirs: readonly string[];
  readonly exec: PluginExec;
  /** The environment that plugins inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
}): PluginCaller {
  const { binDirs, exec } = options;
  const cniPath = binDirs.join(delimiter);
  const inherited = withoutCniVariables(options.env);
  return {
    call: async ({ command, type, request, attachment, signal }) => {
      try {
        const { path } = findPlugin(type, binDirs);
        const exit = await exec.run({
          path,
          env: inherited,
          variables: {
            CNI_COMMAND: command,
            CNI_CONTAINERID: attachment?.containerId ?? "",
            CNI_NETNS: attachment?.netns ?? "",
            CNI_IFNAME: attachment?.ifName ?? "",
            CNI_ARGS: formatCniArgs(attachment?.args ?? []),
            CNI_PATH: cniPath,
            // Plugins from before the VERSION command refuse to answer without them.
            ...(command === "VERSION" ? { CNI_NETNS: "none", CNI_IFNAME: "none" } : {}),
          },
          stdin: JSON.stringify(request),
          signal,
        });
        if (exit.exitCode !== 0) {
          // Its end may be reported before our kill is; then it is our kill that ended it.
          signal.throwIfAborted();
          throw pluginFailure(exit);
        }
        return exit.stdout;
      } catch (error) {
        throw describeFailure(error, type, command);
      }
    },
  };
}

/**
 * Derives a plugin's request configuration (CNI spec 1.1.0, section 3).
 *
 * @param capabilityArgs those that the plugin declares become `runtimeConfig`
 */
export function requestConfig(
  network: Network,
  plugin: PluginConfig,
  additions: {
    readonly prevResult?: JsonObject | undefined;
    readonly capabilityArgs?: JsonObject | undefined;
    readonly members?: JsonObject;
  } = {},
): JsonObject {
  // `capabilities` must not be set; it is an instruction to the runtime.
  const { capabilities: _, ...config } = plugin.config;
  const { prevResult, capabilityArgs = {}, members = {} } = additions;
  const runtimeConfig = Object.fromEntries(
    Object.entries(capabilityArgs).filter(
      ([name, value]) => plugin.capabilities.has(name) && value !== undefined,
    ),
  );
  return {
    ...config,
    ...members,
    name: network.name,
    cniVersion: network.cniVersion,
    ...(Object.keys(runtimeConfig).length === 0 ? {} : { runtimeConfig }),
    ...(prevResult === undefined ? {} : { prevResult }),
  };
}

function withoutCniVariables(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !name.startsWith("CNI_")) kept[name] = value;
  }
  return kept;
}

/** Reads the error object that a plugin prints (CNI spec 1.1.0, section 5, "Error"). */
function pluginFailure({ exitCode, signal, stdout, stderr }: PluginExit): CniError {
  const ended = signal === null ? `exit status ${exitCode}` : `killed by ${signal}`;
  const fields = { stderr, exitCode: exitCode ?? undefined };
  const reported = readJson(stdout);
  if (isJsonObject(reported)) {
    const { code, msg, details } = reported;
    const short = typeof msg === "string" && msg !== "" ? msg : ended;
    const long = typeof details === "string" && details !== "" ? details : undefined;
    return new CniError("plugin_failed", long === undefined ? short : `${short}; ${long}`, {
      ...fields,
      msg: short,
      details: long,
      cniCode: typeof code === "number" ? code : undefined,
    });
  }
  const text = (stderr.trim() || stdout.trim()).slice(0, 2_000);
  return new CniError("plugin_failed", text === "" ? ended : `${ended}: ${text}`, {
    ...fields,
    // When a signal ended it, what was printed before explains little.
    msg: text === "" || signal !== null ? ended : text,
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describeFailure(reason: unknown, plugin: string, command: CniCommand): CniError {
  const error = CniError.from(reason, "spawn_failed", "cannot run the plugin");
  return new CniError(error.code, `${command} of plugin ${plugin}: ${error.message}`, {
    plugin,
    command,
    cniCode: error.cniCode,
    msg: error.msg,
    details: error.details,
    stderr: error.stderr,
    exitCode: error.exitCode,
    cause: error.cause,
  });
}
