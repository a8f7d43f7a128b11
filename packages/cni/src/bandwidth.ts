import { CniError } from "./errors.js";

/** The value of the `bandwidth` capability: rates in bits per second, bursts in bits. */
export interface BandwidthLimits {
  readonly ingressRate?: number;
  readonly ingressBurst?: number;
  readonly egressRate?: number;
  readonly egressBurst?: number;
}

/** The annotations by which a pod's bandwidth is limited. */
export const bandwidthAnnotations: {
  readonly ingress: "kubernetes.io/ingress-bandwidth";
  readonly egress: "kubernetes.io/egress-bandwidth";
} = {
  ingress: "kubernetes.io/ingress-bandwidth",
  egress: "kubernetes.io/egress-bandwidth",
};

/** Kubernetes' own bounds, in bits per second. */
const minRate = 1_000;
const maxRate = 1_000_000_000_000_000;

/** No burst is asked for, so it is as large as every version of the plugin takes: 2^31 - 1 bits. */
const defaultBurst = 2_147_483_647;

/**
 * Reads a pod's bandwidth limits out of its annotations.
 *
 * @param annotations the pod's annotations; values are Kubernetes quantities
 *   such as `10M` (bits per second)
 * @param burst burst in bits
 * @returns the value of the `bandwidth` capability, or undefined without limits
 * @throws CniError `invalid_argument` for a value that is no quantity, or out of
 *   Kubernetes' bounds of 1k to 1P
 */
export function bandwidthFromAnnotations(
  annotations: Readonly<Record<string, string>>,
  burst: number = defaultBurst,
): BandwidthLimits | undefined {
  const ingressRate = readRate(annotations, bandwidthAnnotations.ingress);
  const egressRate = readRate(annotations, bandwidthAnnotations.egress);
  if (ingressRate === undefined && egressRate === undefined) return undefined;
  return {
    ...(ingressRate === undefined ? {} : { ingressRate, ingressBurst: burst }),
    ...(egressRate === undefined ? {} : { egressRate, egressBurst: burst }),
  };
}

function readRate(annotations: Readonly<Record<string, string>>, key: string): number | undefined {
  const text = annotations[key];
  if (text === undefined) return undefined;
  const rate = parseQuantity(text);
  if (rate === undefined || rate < minRate || rate > maxRate) {
    throw new CniError(
      "invalid_argument",
      `annotation ${key}: ${JSON.stringify(text)} is no bandwidth between 1k and 1P`,
    );
  }
  return rate;
}

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Reads a Kubernetes quantity, rounded up to an integer; undefined for what is none. */
function parseQuantity(text: string): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(
    text,
  );
  if (match === null) return undefined;
  const [, number = "", exponent, suffix = ""] = match;
  const scale = exponent === undefined ? suffixes[suffix] : 10 ** Number(exponent);
  return scale === undefined ? undefined : Math.ceil(Number(number) * scale);
}
