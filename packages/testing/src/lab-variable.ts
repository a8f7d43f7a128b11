/**
 * Reads a variable that the lab provides (lab/README.md).
 *
 * @throws Error when it is not set.
 */
export function labVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(
      `${name} is not set: bring the lab up and load its environment (lab/README.md)`,
    );
  }
  return value;
}
