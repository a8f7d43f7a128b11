import { isScalar, parseDocument } from "yaml";

/** How a file tells the kubelet its CRI socket. */
export type EndpointForm =
  /** `containerRuntimeEndpoint` of a KubeletConfiguration. */
  | "configuration"
  /** `--container-runtime-endpoint` in an environment file of the kubelet's unit. */
  | "flag";

/** Where the CRI socket of a kubelet may stand, beside its configuration file, as kubeadm and packages have it. */
export const kubeletEndpointFiles: readonly {
  readonly file: string;
  readonly form: EndpointForm;
}[] = [
  // kubeadm since 1.32 merges it into that file at each upgrade.
  { file: "/var/lib/kubelet/instance-config.yaml", form: "configuration" },
  { file: "/var/lib/kubelet/kubeadm-flags.env", form: "flag" },
  { file: "/etc/default/kubelet", form: "flag" },
  { file: "/etc/sysconfig/kubelet", form: "flag" },
];

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The socket that a file tells the kubelet.
 *
 * @returns As it is written there; undefined where the file tells none, or cannot be read.
 */
export function readKubeletEndpoint(text: string, form: EndpointForm): string | undefined {
  const span = spansOf(text, form).at(-1);
  return span === undefined ? undefined : text.slice(span.start, span.end);
}

/** Puts another socket where a file tells the kubelet one; all else stays, comments too. */
export function replaceKubeletEndpoint(text: string, form: EndpointForm, endpoint: string): string {
  let replaced = text;
  for (const { start, end } of spansOf(text, form).toReversed()) {
    replaced = replaced.slice(0, start) + endpoint + replaced.slice(end);
  }
  return replaced;
}

function spansOf(text: string, form: EndpointForm): Span[] {
  return form === "flag" ? flagSpans(text) : configurationSpans(text);
}

/** The values on lines that are no comments; the last of several counts for the kubelet. */
function flagSpans(text: string): Span[] {
  const flag = /--container-runtime-endpoint(?:=|[ \t]+)([^\s"'\\]+)/g;
  return [...text.matchAll(flag)].flatMap(({ 0: all, 1: value = "", index }) => {
    const lineStart = text.lastIndexOf("\n", index) + 1;
    const end = index + all.length;
    const isComment = /^[ \t]*#/.test(text.slice(lineStart, index));
    return isComment ? [] : [{ start: end - value.length, end }];
  });
}

function configurationSpans(text: string): Span[] {
  const document = parseDocument(text);
  if (document.errors.length > 0) return [];
  const value = document.get("containerRuntimeEndpoint", true);
  if (!isScalar(value) || typeof value.value !== "string" || value.value === "") return [];
  const [start = 0, end = 0] = value.range ?? [];
  const quoted = value.type === "QUOTE_DOUBLE" || value.type === "QUOTE_SINGLE" ? 1 : 0;
  return [{ start: start + quoted, end: end - quoted }];
}
