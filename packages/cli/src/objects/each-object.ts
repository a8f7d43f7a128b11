import { CriClientError } from "@dockershim/cri-client";
import { CliError, messageOf } from "../cli-error.js";

/**
 * Does something with each of several things that a person has named, all together, and lets no failure keep it
 * from the others. One that is named twice in the same way counts once.
 *
 * @param finish Is given what came out, in the order of the references, of those that did not fail.
 * @throws What the one that failed has thrown; of several, CliError failure with a line for each.
 */
export async function forEachReference<Result>(
  references: readonly string[],
  work: (reference: string) => Promise<Result>,
  finish: (results: Result[]) => Promise<void> | void = () => undefined,
): Promise<void> {
  const settled = await Promise.allSettled([...new Set(references)].map(work));
  const results = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  await finish(results);
  const errors = settled.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  const [first] = errors;
  if (first === undefined) return;
  const lines = [...new Set(errors.map(messageOf))];
  if (lines.length === 1) throw first;
  throw new CliError("failure", lines.join("; "), { lines, cause: first });
}

/**
 * Does something to a thing, and says to which in the error of what fails; a runtime that cannot be reached is not
 * that thing's trouble.
 *
 * @throws CliError failure with the thing's name before the runtime's own words.
 */
export async function tryOn<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CriClientError) || error.reason !== undefined) throw error;
    throw new CliError("failure", `${name}: ${error.message}`, { cause: error });
  }
}
