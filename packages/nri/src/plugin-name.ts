/** A plugin's name, and its place in the order: two digits. */
export interface PluginIdentity {
  readonly index: string;
  readonly name: string;
}

/** INDEX-NAME, as a plugin is called in logs and as the owner of what it adjusts. */
export function pluginId({ index, name }: PluginIdentity): string {
  return `${index}-${name}`;
}

/** What is wrong with a plugin's name or index; undefined when nothing is. */
export function identityProblem({ index, name }: PluginIdentity): string | undefined {
  if (!/^[0-9]{2}$/.test(index)) return `index "${index.slice(0, 64)}" is not two digits`;
  if (!/^[a-zA-Z0-9_.+-]{1,255}$/.test(name)) {
    return `name "${name.slice(0, 64)}" is not made of letters, digits, and any of _ . + -`;
  }
  return undefined;
}

/** Splits a file's name, INDEX-NAME. */
export function parsePluginFile(file: string): PluginIdentity {
  return { index: file.slice(0, 2), name: file[2] === "-" ? file.slice(3) : "" };
}
