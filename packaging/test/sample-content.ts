import type { PackageContent } from "../package-files.ts";

/** What a package of that version is filled with in tests of its installation: a line for each file. */
export function sampleContent(version: string): PackageContent {
  return {
    version,
    date: "2026-11-29",
    executable: "/bin/true",
    specHook: "/bin/true",
    config: `# of ${version}\n`,
    manual: [{ file: "dockershim.8", text: ".TH DOCKERSHIM 8\n" }],
    completions: { bash: "# bash\n", zsh: "# zsh\n", fish: "# fish\n" },
    licences: "theirs\n",
  };
}
