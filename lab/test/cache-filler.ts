/**
 * Fills a folder of a cache, as a process of its own that a test can kill: `cache-filler.ts TARGET FIFO`.
 * Its command writes half of the content, and the rest once somebody writes to the fifo.
 */
import { cacheFolder } from "../cache.ts";
import { command } from "../command.ts";

const [, , target = "", fifo = ""] = process.argv;
const script = 'echo half >>"$1/file"; read -r go <"$2"; echo rest >>"$1/file"';
await cacheFolder(target, { what: "filling" }, async ({ part, lock }) => {
  await command("sh", ["-c", script, "sh", part, fifo], { inherit: lock });
});
