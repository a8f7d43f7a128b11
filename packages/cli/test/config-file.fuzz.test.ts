import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brokenJson, fuzz, jsonWords } from "@dockershim/testing";
import { afterAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { stringify } from "yaml";
import { CliError } from "../src/cli-error.js";
import { type FileOptions, readConfigFile } from "../src/serve/config-file.js";
import { fileKey, serveOptions, type ValueKind } from "../src/serve/serve-options.js";

const dir = mkdtempSync(join(tmpdir(), "config-fuzz-"));
const path = join(dir, "config.yaml");
afterAll(() => rmSync(dir, { recursive: true }));

async function readText(text: Uint8Array): Promise<FileOptions> {
  writeFileSync(path, text);
  return await readConfigFile(path);
}

function valuesOf(kind: ValueKind): fc.Arbitrary<unknown> {
  switch (kind) {
    case "text":
      return fc.string();
    case "list":
      return fc.array(fc.string(), { maxLength: 3 });
    case "duration":
      return fc.constantFrom("1m30s", "90s", "0s", "250ms");
    case "boolean":
      return fc.boolean();
    default:
      return fc.constantFrom(...(kind as readonly string[]));
  }
}

const content = fc.record(
  Object.fromEntries(serveOptions.map((option) => [fileKey(option), valuesOf(option.kind)])),
  { requiredKeys: [] },
);

const isOf: Record<string, (value: unknown) => boolean> = {
  text: (value) => typeof value === "string",
  list: (value) => Array.isArray(value) && value.every((part) => typeof part === "string"),
  duration: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  boolean: (value) => typeof value === "boolean",
};

test("a configuration file gives options of the right types, or says in one line what is wrong", async () => {
  await fuzz({
    corpus: join(import.meta.dirname, "corpus/config-file"),
    inputs: fc.oneof(
      content.map((value) => Buffer.from(stringify(value))),
      brokenJson(content),
    ),
    words: [...jsonWords, "&a ", "*a", "!!binary ", "<<: ", "---\n", "? ", "- ", "|\n", "\t", "%"],
    async check(text) {
      let read: FileOptions;
      try {
        read = await readText(text);
      } catch (error) {
        expect(error).toBeInstanceOf(CliError);
        const { message } = error as CliError;
        expect(message.startsWith(`${path}: `)).toBe(true);
        expect(message).not.toContain("\n");
        return;
      }
      for (const [key, value] of Object.entries(read.options)) {
        const option = serveOptions.find((each) => each.key === key);
        const holds = isOf[option?.kind as string] ?? isOf.text;
        expect([key, value, holds?.(value)]).toEqual([key, value, true]);
      }
      for (const problem of read.problems) expect(problem.startsWith(`${path}: `)).toBe(true);
    },
  });
});

test("options are the same in YAML and in JSON", async () => {
  await fc.assert(
    fc.asyncProperty(content, async (value) => {
      const yaml = await readText(Buffer.from(stringify(value)));
      expect(yaml).toEqual(await readText(Buffer.from(JSON.stringify(value))));
      expect(yaml.problems).toEqual([]);
      expect(Object.keys(yaml.options)).toHaveLength(Object.keys(value).length);
    }),
  );
});
