import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultShimOptions } from "@dockershim/shim-server/options";
import { expect, test } from "@jest/globals";
import { gatherOptions } from "../src/serve/daemon-options.js";
import { defaultConfigText } from "../src/serve/default-config.js";

/** What the daemon takes from a configuration file with this text. */
async function read(text: string) {
  const dir = mkdtempSync(join(tmpdir(), "default-config-"));
  try {
    const path = join(dir, "config.yaml");
    writeFileSync(path, text);
    return await gatherOptions({}, path);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("the default configuration file changes nothing", async () => {
  expect(await read(defaultConfigText())).toEqual({});
});

test("with its comment signs taken away it has every option, with the daemon's default", async () => {
  const uncommented = defaultConfigText().replace(/^#(?=\S)/gm, "");
  expect(await read(uncommented)).toEqual(defaultShimOptions);
});
