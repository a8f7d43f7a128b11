import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { patched } from "./fuzz-patch.ts";

/** One thing that reads bytes which a stranger may have chosen. */
export interface FuzzTarget {
  /** A folder of inputs that are tried first, and broken; each of its files is one. */
  readonly corpus: string;
  /** Well-formed inputs. They are tried as they are, and broken at random. */
  readonly inputs: fc.Arbitrary<Uint8Array>;
  /** What is put among the bytes of an input: numbers at their limits, keywords, delimiters. */
  readonly words?: readonly (string | Uint8Array)[];
  /** How often they are broken: rarely, where a parser of others refuses most of those. Default mostly. */
  readonly broken?: "mostly" | "rarely";
  /** How many inputs are tried where no time is given. Default 200. */
  readonly runs?: number;
  /** Throws when the input made its reader do what it must not. */
  readonly check: (input: Buffer) => void | Promise<void>;
}

/** No input of this size takes an honest reader that long, in ms. */
const slowMs = 5_000 * Number(process.env.TEST_PATIENCE || 1);

/**
 * Tries a target: so many inputs of one seed, or for `FUZZ_SECONDS` those of `FUZZ_SEED` (default
 * 1). Of a long run the smallest input that fails is kept in the corpus, where it fails from then
 * on until the reader is mended.
 *
 * @throws Error with the seed and the smallest input that was found, in hexadecimal digits, when
 * the target's check throws, or takes longer than any honest reader.
 */
export async function fuzz({
  corpus,
  inputs,
  words = [],
  broken = "mostly",
  runs = 200,
  check,
}: FuzzTarget): Promise<void> {
  const kept = corpusOf(corpus);
  const wellFormed = kept.length === 0 ? inputs : fc.oneof(inputs, fc.constantFrom(...kept));
  const input = fc.oneof(
    { weight: broken === "rarely" ? 20 : 2, arbitrary: inputs },
    { weight: 5, arbitrary: patched(wellFormed, words) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  );
  const seconds = Number(process.env.FUZZ_SECONDS || 0);
  async function tryOne(bytes: Uint8Array): Promise<void> {
    const begin = performance.now();
    await check(Buffer.from(bytes));
    const took = performance.now() - begin;
    if (took > slowMs) throw new Error(`${bytes.length} bytes took ${Math.round(took)} ms`);
  }
  let underWay: Promise<void> = Promise.resolve();
  const property = fc.asyncProperty(input, (bytes) => {
    underWay = tryOne(bytes);
    return underWay;
  });
  const outcome = await fc.check(property, {
    examples: kept.map((bytes) => [bytes]),
    seed: Number(process.env.FUZZ_SEED || 1),
    ...(seconds > 0
      ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000 }
      : { numRuns: kept.length + runs }),
  });
  // At the time limit the last one is left alone, and would meet the next test's.
  await underWay.catch(() => undefined);
  if (!outcome.failed) {
    if (seconds > 0) console.info(`${outcome.numRuns} inputs`);
    return;
  }
  const [smallest] = outcome.counterexample ?? [Buffer.alloc(0)];
  const where = seconds > 0 ? `, kept as ${keep(corpus, smallest)}` : "";
  throw new Error(
    `seed ${outcome.seed}, path ${outcome.counterexamplePath}: ${smallest.length} bytes` +
      `${where}: ${Buffer.from(smallest).toString("hex").slice(0, 4096)}`,
    { cause: outcome.errorInstance },
  );
}

function corpusOf(folder: string): Uint8Array[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(folder, name))));
}

function keep(folder: string, input: Uint8Array): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, createHash("sha256").update(input).digest("hex").slice(0, 12));
  writeFileSync(path, input);
  return path;
}
