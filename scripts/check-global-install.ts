import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { serveScope } from "./scope-registry.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");

/** How a program begins, but for its first byte. */
const elf = Buffer.from("ELF");

/**
 * Installs the command globally, into a prefix of its own, by the line of docs/install.md, and runs it.
 *
 * @param tarballs By package.
 * @param folder Where all of it goes.
 * @returns What is wrong; undefined when it is the checkout's command.
 */
export async function checkGlobalInstall(
  tarballs: ReadonlyMap<string, string>,
  folder: string,
): Promise<string | undefined> {
  mkdirSync(folder);
  const page = readFileSync(join(root, "docs/install.md"), "utf8");
  const [, line] = /^sudo (npm install --global .*)$/m.exec(page) ?? [];
  if (line === undefined) return "docs/install.md has no npm install --global";
  const registry = await serveScope(tarballs);
  try {
    writeFileSync(join(folder, "npmrc"), `@dockershim:registry=${registry.url}\n`);
    const prefix = join(folder, "prefix");
    // systemd need not run here, and knows no unit of ours yet.
    writeFileSync(join(folder, "systemctl"), "#!/bin/sh\n", { mode: 0o755 });
    const path = `${folder}:${join(prefix, "bin")}:${process.env.PATH}`;
    // `npm run` gives its own places to what it runs, and these names are the same to npm in any case.
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^npm_config_(prefix|global_prefix|globalconfig|cache|loglevel)$/i.test(name),
    );
    const env = {
      ...Object.fromEntries(inherited),
      PATH: path,
      npm_config_prefix: prefix,
      npm_config_globalconfig: join(folder, "npmrc"),
      npm_config_cache: join(folder, "cache"),
      npm_config_loglevel: "error",
    };
    await run("sh", ["-euc", line], { env });
    const ask = (program: readonly string[], ...args: string[]): string =>
      execFileSync(program[0] ?? "", [...program.slice(1), ...args], { env, encoding: "utf8" });
    const own = [process.execPath, join(root, "packages/cli/bin/dockershim.js")];
    for (const args of [["--version"], ["help"], ["config", "default"]]) {
      if (ask(["dockershim"], ...args) !== ask(own, ...args)) {
        return `dockershim ${args.join(" ")} is another one than the checkout's`;
      }
    }
    const steps = ask(["dockershim"], "install", "--dry-run");
    if (!steps.includes("write /etc/systemd/system/dockershim.service")) {
      return `dockershim install would not set the daemon up:\n${steps}`;
    }
    const bare = join(folder, "bare");
    ask(["dockershim"], "install", "--spec-hook", "--root", bare);
    return readFileSync(join(bare, "usr/local/bin/dockershim-runc")).subarray(1, 4).equals(elf)
      ? undefined
      : "dockershim install --spec-hook puts something else in the program's place";
  } catch (error) {
    return String(error);
  } finally {
    registry.close();
  }
}
