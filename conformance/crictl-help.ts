/** The options of crictl's commands, of the program itself under "": all names of an option in one text. */
export type CrictlOptions = Readonly<Record<string, readonly string[]>>;

/** Reads crictl's own help, of every command that it names. */
export async function readCrictlOptions(
  crictl: (...args: string[]) => Promise<string>,
): Promise<CrictlOptions> {
  const overview = await crictl("--help");
  const [, list = ""] = /\nCOMMANDS:\n(.*?)\n\n/s.exec(overview) ?? [];
  const names = [...list.matchAll(/^ {3}(\w[\w-]*)/gm)].map(([, name = ""]) => name);
  const options: Record<string, string[]> = { "": optionsOf(overview) };
  for (const name of names.filter((each) => each !== "help")) {
    options[name] = optionsOf(await crictl(name, "--help"));
  }
  return options;
}

/** Of a help text; help's own option is left out. */
function optionsOf(help: string): string[] {
  const [, list = ""] = /\n(?:GLOBAL )?OPTIONS:\n(.*)/s.exec(help) ?? [];
  return [...list.matchAll(/^ {3}(--.*?)(?: {2,}|$)/gm)]
    .map(([, head = ""]) => head.replace(/\[.*/, "").match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? [])
    .filter(([name]) => name !== "--help")
    .map((all) => [...new Set(all)].join(" "));
}
