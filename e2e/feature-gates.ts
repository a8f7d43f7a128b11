import { LabError } from "../lab/lab-error.ts";

/** Which of Kubernetes' features are on or off, other than by default. */
export type FeatureGates = Readonly<Record<string, boolean>>;

/**
 * Reads `A=true,B=false`, as Kubernetes' own flag has it.
 *
 * @throws LabError `usage`
 */
export function parseFeatureGates(text: string): FeatureGates {
  const pairs = text.split(",").filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, gate, value] = /^(\w+)=(true|false)$/.exec(pair) ?? [];
      if (gate === undefined) {
        throw new LabError("usage", `FEATURE_GATES: ${pair} is not like EventedPLEG=true`);
      }
      return [gate, value === "true"];
    }),
  );
}

/** Writes them so. */
export function formatFeatureGates(gates: FeatureGates): string {
  return Object.entries(gates)
    .map(([gate, on]) => `${gate}=${on}`)
    .join(",");
}
