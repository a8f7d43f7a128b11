/** What stands where a secret stood. */
export const removed = "<removed>";

/** Names of things that are secret whatever they hold. */
const secretName =
  /passw(?:or)?d|passphrase|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key|key[-_]?data|authority-data|certificate-data|^auths?$|identity-?token|authorization|cookie/i;

/** Names whose values are another program's business: each pair's name is kept, and no value. */
const pairsName = /^envs?$|^environment$|annotations$|^staticPodURLHeader$|^headers?$/i;

/** Command lines, which often have secrets in them. */
const commandName = /^(?:cmd|command|args|entrypoint|processlabelargs|test)$/i;

/** Annotations are labels at Docker. */
const annotationLabel = /^annotation\./;

/**
 * Takes secrets out of a value that is going to be written as JSON: values of environments and annotations, arguments of
 * commands, whatever is named as a secret, and what {@link redactText} finds in any text. Text that is JSON itself is
 * treated as what it says.
 */
export function redactValue(value: unknown): unknown {
  if (typeof value === "string") return redactString(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, redactMember(name, each)]),
  );
}

function redactMember(name: string, value: unknown): unknown {
  if (pairsName.test(name)) return withoutValues(value);
  if (annotationLabel.test(name)) return removed;
  if (commandName.test(name)) return withoutArguments(value);
  // A flag such as `automountServiceAccountToken` is no secret, nor is a number.
  if (secretName.test(name) && typeof value !== "boolean" && typeof value !== "number") {
    return value === "" || value === null ? value : removed;
  }
  return redactValue(value);
}

/** Environments are lists of `NAME=value`, lists of objects, or objects. */
function withoutValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutValues);
  if (typeof value === "string") {
    const end = value.indexOf("=");
    return end < 0 ? removed : `${value.slice(0, end)}=${removed}`;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const isPair = entries.some(([name]) => name === "key" || name === "name");
  return Object.fromEntries(
    entries.map(([name, each]) => [
      name,
      isPair && (name === "key" || name === "name") ? each : removed,
    ]),
  );
}

/** The program is kept. */
function withoutArguments(value: unknown): unknown {
  if (typeof value === "string") return value === "" ? value : removed;
  if (!Array.isArray(value) || value.length === 0) return redactValue(value);
  const [program, ...rest] = value;
  const first = typeof program === "string" ? redactText(program) : removed;
  return rest.length === 0 ? [first] : [first, `<${rest.length} arguments removed>`];
}

function redactString(text: string): string {
  if (/^\s*[[{]/.test(text)) {
    try {
      return JSON.stringify(redactValue(JSON.parse(text)));
    } catch {
      // It only begins as JSON does.
    }
  }
  return redactText(text);
}

/** What of a match is kept is before and behind it. */
const rules: readonly (readonly [RegExp, string])[] = [
  // PEM, also where its end was cut off.
  [
    /-----BEGIN [A-Z0-9 ]+-----(?:[\s\S]{0,16384}?-----END [A-Z0-9 ]+-----|[\sA-Za-z0-9+/=\\:,-]*)/g,
    removed,
  ],
  // scheme://user:password@host
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi, `$1${removed}@`],
  // Session URLs of exec, attach and port-forward.
  [/\/(exec|attach|portforward|port-forward)\/[A-Za-z0-9_-]{6,}/g, `/$1/${removed}`],
  [/\b(Bearer|Basic|Negotiate)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${removed}`],
  // JSON Web Tokens, and tokens that say whose they are.
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*/g, removed],
  [
    /\b(?:gh[pousr]_|github_pat_|glpat-|dckr_pat_|dckr_oat_|xox[abprs]-|npm_)[A-Za-z0-9_-]{10,}/g,
    removed,
  ],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, removed],
  // name=value, name: value and "name": "value", also with the quotes of a JSON text in another one.
  [
    /((?:(?<![\w.-])[\w.-]{0,200}?(?:passw(?:or)?d|passphrase|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key|key-data|authority-data|certificate-data|signature)[\w.-]{0,200}|\bauths?|\bauthorization|\bset-cookie|\bcookie|\bsig|X-Amz-[\w-]+)\\?["']?[ \t]*[:=][ \t]*)("(?:[^"\\]|\\.)*"|\\"(?:[^"\\]|\\(?![\\"])|\\{2,}(?!\\)"?)*\\?"?|'[^']*'|[^\s,;&}\]"']+)/gi,
    `$1${removed}`,
  ],
  // --password value
  [
    /((?<![\w-])--?[\w-]{0,200}?(?:passw(?:or)?d|secret|token|credential|api-?key)[\w-]{0,200})[ \t]+("[^"]*"|'[^']*'|[^\s-]\S*)/gi,
    `$1 ${removed}`,
  ],
];

/** Lines of PEM before an end whose beginning was cut off. */
function withoutHeadlessPem(text: string): string {
  if (!text.includes("-----END ")) return text;
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (!/-----END [A-Z0-9 ]+-----/.test(line)) continue;
    let at = index;
    // The last line of a key may be short. Each may have the time of a log before it.
    if (/(?:^|\s)[A-Za-z0-9+/]+={0,2}\s*$/.test(lines[at - 1] ?? "")) at -= 1;
    while (/(?:^|\s)[A-Za-z0-9+/]{16,}={0,2}\s*$/.test(lines[at - 1] ?? "")) at -= 1;
    lines.fill(removed, at, index + 1);
  }
  return lines.join("\n");
}

/**
 * Takes secrets out of a text: keys and certificates in PEM, names and passwords in URLs, tokens that can be told by
 * their form, and the values of what is named as a secret.
 */
export function redactText(text: string): string {
  const known = rules.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text);
  return withoutHeadlessPem(known);
}
