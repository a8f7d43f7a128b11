import { expect, test } from "@jest/globals";
import { runBin } from "./dockershim-bin.js";

/** Tells on stderr what is loaded. */
const telling =
  'import{registerHooks}from"node:module";registerHooks({load(u,c,n){process.stderr.write(u+"\\n");return n(u,c)}})';

const unused = /\/node_modules\/(yaml|ws|ssh2|dockerode)\//;

test.each(["version", "ps", "stop"])("%s loads nothing that it does not use", async (name) => {
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(telling)}` };
  const { stderr } = await runBin([name, "x", "-r", "unix:///nonexistent/x.sock"], env);
  const loaded = stderr.split("\n").filter((line) => line.startsWith("file:"));
  expect(loaded).toContainEqual(expect.stringContaining(`/dist/${name}-command.js`));
  expect(loaded.filter((url) => unused.test(url))).toEqual([]);
});
