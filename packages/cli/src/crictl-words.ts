/** Words of crictl that are none here, and what does the same. */
const words: Readonly<Record<string, string>> = {
  inspectp: "inspect",
  inspecti: "inspect",
  img: "images",
  image: "images",
  event: "events",
  runp: "run",
  stopp: "stop",
  rmp: "rm",
  statsp: "stats --pods",
  metricsp: "metrics",
  metricdescs: "metrics",
  imagefsinfo: "df",
};

const template = { "--template": "-o jsonpath=TEMPLATE" };
const verbose = { "--verbose -v": "describe NAME" };
const latest = { "--latest -l": "--last 1", "--last -n": "--last COUNT" };
const state = { "--state -s": "--state STATE" };
const session = {
  "--tls-ca": "none: sessions are read on the node itself",
  "--tls-cert": "none: sessions are read on the node itself",
  "--tls-key": "none: sessions are read on the node itself",
  "--tls-sni --tls-server-name": "none: sessions are read on the node itself",
  "--transport": "none: it is always WebSocket",
};
const registry = {
  "--auth": "dockershim pull --auth TEXT first",
  "--creds": "dockershim pull --creds USER:PASSWORD first",
  "--username -u": "dockershim pull --creds USER:PASSWORD first",
  "--pull-timeout --pt": "dockershim pull first; timeout(1) ends it",
  "--cancel-timeout -T": "Ctrl-C, or timeout(1), breaks it off",
  "--no-pull": "none: what is missing is pulled",
  "--with-pull": "none: what is missing is pulled",
};
const severalOf = (verb: string) => `dockershim ${verb} $(dockershim ps -q ...)`;
const execOfEach = "for c in $(dockershim ps -q ...); do dockershim exec $c COMMAND; done";

/**
 * Options of crictl's that our commands do not have, and what does the same: by our command's name, of all commands
 * under "". An option's names stand in one text. docs/crictl.md has the same table.
 */
export const crictlOptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    "--config -c": "CRI_CONFIG_FILE=FILE names crictl's file",
    "--debug -D": "--debug",
    "--enable-tracing": "none: the daemon traces (tracingEndpoint)",
    "--image-endpoint -i": "--image-endpoint SOCKET",
    "--max-retries": "none: it is tried once",
    "--profile-cpu": "none",
    "--profile-mem": "none",
    "--tracing-endpoint": "none: the daemon traces (tracingEndpoint)",
    "--tracing-sampling-rate-per-million": "none: the daemon traces (tracingEndpoint)",
    "--version -v": "--version or -V",
  },
  attach: session,
  config: {
    "--get": "none: crictl's file is YAML to read, /etc/crictl.yaml",
    "--list": "none: crictl's file is YAML to read, /etc/crictl.yaml",
    "--set": "none: crictl's file is YAML to edit, /etc/crictl.yaml",
  },
  create: registry,
  df: template,
  events: template,
  exec: {
    ...session,
    "--ignore-errors -e": execOfEach,
    "--image": execOfEach,
    "--interactive -i": "--stdin or -i",
    "--label": execOfEach,
    "--last -n": execOfEach,
    "--latest -l": execOfEach,
    "--name": execOfEach,
    "--parallel -x": "xargs -P",
    "--pod -p": execOfEach,
    "--quiet -q": execOfEach,
    "--state": execOfEach,
    "--sync -s": "--command-timeout 10s, without -i and -t",
  },
  images: {
    "--filter -f": "dockershim images NAME, or -o jsonpath={.images[?(...)]}",
    "--pinned": "-o wide",
    "--verbose -v": "inspect NAME",
  },
  info: { ...template, "--quiet -q": "without -o it is for people" },
  inspect: {
    ...template,
    "--all -a": severalOf("inspect"),
    "--filter -f": "dockershim inspect NAME",
    "--image": severalOf("inspect"),
    "--label": severalOf("inspect"),
    "--last -n": severalOf("inspect"),
    "--latest -l": "dockershim inspect $(dockershim ps -q --last 1)",
    "--name": "dockershim inspect NAME",
    "--namespace": "dockershim inspect $(dockershim pods -q -n NAMESPACE)",
    "--pod -p": severalOf("inspect"),
    "--quiet -q": "-o jsonpath={.status}",
    "--state -s": severalOf("inspect"),
  },
  logs: {
    "--limit-bytes": "| head -c BYTES",
    "--reopen": "none: who rotates logs asks the runtime",
    "--stream -s": "2>/dev/null, or >/dev/null: each stream is printed on its own",
  },
  metrics: {
    "--output -o": "none: it is Prometheus' text",
    "--watch -w": "watch(1)",
  },
  pods: {
    ...latest,
    ...state,
    ...verbose,
    "--id": "dockershim describe ID",
  },
  "port-forward": session,
  ps: {
    ...latest,
    ...state,
    ...verbose,
    "--id": "dockershim describe ID",
    "--namespace": "-l io.kubernetes.pod.namespace=NAMESPACE",
    "--resolve-image-path": "none: images are shown by name",
  },
  pull: {
    "--annotation -a": "left to crictl",
    "--pod-config": "left to crictl",
    "--pull-timeout --pt": "timeout(1) ends it",
    "--username -u": "--creds USER:PASSWORD",
  },
  rm: {
    "--all -a": "dockershim rm $(dockershim ps -q --state exited)",
    "--keep-logs -k": "none: log files stay",
  },
  rmi: { "--all -a": "dockershim rmi --prune", "--prune -q": "--prune" },
  run: registry,
  stats: {
    "--all -a": "none: those that run have figures",
    "--id": "dockershim stats ID",
    "--label": "dockershim stats $(dockershim ps -q -l LABEL)",
    "--pod": "dockershim stats POD",
    "--seconds -s": "none: rates are of a second, or the runtime's own",
  },
  stop: {
    "--all -a": severalOf("stop"),
    "--timeout -t": "--grace-period 10s",
  },
  update: {
    "--cpu-count": "none: Windows only",
    "--cpu-maximum": "none: Windows only",
    "--cpu-period": "--cpus NUMBER",
    "--cpu-quota": "--cpus NUMBER",
    "--cpu-share": "--cpu-shares NUMBER",
    "--oom-score-adj": "left to crictl",
  },
};

/**
 * Says in a line about what is not known what crictl's word or option is here.
 *
 * @param line What commander says.
 * @param command The command that was asked for; undefined where it is none of ours.
 */
export function translateCrictl(line: string, command: string | undefined): string {
  const word = /^unknown command '([\w-]+)'/.exec(line)?.[1];
  if (word === "update-runtime-config") {
    return `unknown command '${word}': the kubelet tells the runtime its pod CIDR; by hand crictl does`;
  }
  const ours = word && Object.hasOwn(words, word) ? words[word] : undefined;
  if (ours) return `unknown command '${word}': crictl's ${word} is dockershim ${ours}`;
  const option = /^unknown option '(--?[\w-]+)/.exec(line)?.[1];
  const here = option && (answerTo(option, command ?? "") ?? answerTo(option, ""));
  if (here) return `unknown option '${option}': crictl's ${option} is here: ${here}`;
  if (line.includes("'go-template")) return `${line} There is no go-template: -o jsonpath=TEMPLATE`;
  return line;
}

function answerTo(option: string, command: string): string | undefined {
  const entries = Object.entries(crictlOptions[command] ?? {});
  return entries.find(([names]) => names.split(" ").includes(option))?.[1];
}
