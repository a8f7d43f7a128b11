import { defaultShimOptions } from "@dockershim/shim-server/options";
import { stringify } from "yaml";
import { formatDuration } from "../output/duration.js";
import { wrapText } from "../output/wrap-text.js";
import { fileKey, type ServeOption, serveOptions } from "./serve-options.js";

/**
 * A configuration file that changes nothing: each option with what it is, its choices and its default,
 * behind a comment sign.
 */
export function defaultConfigText(): string {
  const head = "# Options of `dockershim serve`. After a change: systemctl reload dockershim";
  return `${[head, ...serveOptions.map(describeOption)].join("\n\n")}\n`;
}

function describeOption(option: ServeOption): string {
  const { description, whenEmpty, kind, key } = option;
  const choices = typeof kind === "object" ? `: ${kind.join(", ")}` : "";
  const empty = defaultShimOptions[key] === "" ? `; empty: ${whenEmpty ?? "none"}` : "";
  const text = `${description.charAt(0).toUpperCase()}${description.slice(1)}${choices}${empty}`;
  const lines = wrapText(text, 78).map((line) => `# ${line}`);
  return [
    ...lines,
    `#${fileKey(option)}: ${stringify(defaultOf(option), yamlStyle).trimEnd()}`,
  ].join("\n");
}

const yamlStyle = { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: false } as const;

function defaultOf({ key, kind }: ServeOption): unknown {
  const value = defaultShimOptions[key];
  return kind === "duration" ? formatDuration(Number(value)) : value;
}
