import { expect, test } from "@jest/globals";
import { runBin } from "./dockershim-bin.js";

/** What a shell's script asks when the words so far are these. */
async function completions(...words: string[]): Promise<string[]> {
  const { stdout } = await runBin(["complete", "--", ...words]);
  // The last line tells the script what kind of answer it is.
  return stdout
    .trim()
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split("\t")[0] ?? "");
}

test.each(["bash", "zsh", "fish"])(
  "completion %s prints a script for that shell",
  async (shell) => {
    const { stdout, code } = await runBin(["completion", shell]);
    expect(stdout).toContain(`# ${shell} completion for dockershim`);
    expect(stdout).toContain("complete --");
    expect(code).toBe(0);
  },
);

test.each([
  ["the beginning of a command", ["ser"], ["serve"]],
  ["a command below another one", ["config", "val"], ["validate"]],
  ["the choices of an option", ["serve", "--network-plugin", ""], ["cni", "none"]],
])("%s is completed", async (_, words, found) => {
  expect(await completions(...words)).toEqual(found);
});

test("the beginning of an option is completed", async () => {
  expect(await completions("serve", "--metrics")).toEqual(["--metrics-bind-addr"]);
});
