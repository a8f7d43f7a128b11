import { CniError } from "./errors.js";
import type { JsonObject } from "./json.js";

/** A pair that goes into CNI_ARGS. */
export type CniArg = readonly [key: string, value: string];

/** What identifies an attachment (CNI spec 1.1.0, section 3). */
export interface AttachmentId {
  /** CNI_CONTAINERID: under Kubernetes the id of the sandbox. */
  readonly containerId: string;
  /** CNI_IFNAME: name of the interface inside the sandbox, such as `eth0`. */
  readonly ifName: string;
}

/** A container's connection to a network, as ADD is asked to make it. */
export interface Attachment extends AttachmentId {
  /** CNI_NETNS: path of the network namespace, such as `/proc/<pid>/ns/net`. */
  readonly netns: string;
  /** CNI_ARGS, in this order. */
  readonly args?: readonly CniArg[] | undefined;
  /**
   * Values by capability name. Each plugin is given those that its
   * configuration declares in `capabilities`.
   */
  readonly capabilityArgs?: JsonObject | undefined;
}

/** An attachment to be made, of which the namespace may not be there yet. */
export interface Attaching extends Omit<Attachment, "netns"> {
  /** CNI_NETNS, or a promise of it. */
  readonly netns: string | Promise<string>;
}

const validId = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** Linux's IFNAMSIZ is 16 bytes, of which one ends the name. */
const maxIfNameBytes = 15;

/** @throws CniError `invalid_argument` */
export function validateAttachmentId({ containerId, ifName }: AttachmentId): void {
  if (!validId.test(containerId)) {
    throw invalid(`invalid container id ${JSON.stringify(containerId)}`);
  }
  if (ifName === "" || ifName === "." || ifName === ".." || /[/:\s]/.test(ifName)) {
    throw invalid(`invalid interface name ${JSON.stringify(ifName)}`);
  }
  if (Buffer.byteLength(ifName) > maxIfNameBytes) {
    throw invalid(`interface name ${ifName} is longer than ${maxIfNameBytes} bytes`);
  }
}

/**
 * Writes the pairs as CNI_ARGS. Plugins split at every `;` and `=`, without an
 * escape, so that a value with one of them would be read as something else.
 *
 * @throws CniError `invalid_argument`
 */
export function formatCniArgs(args: readonly CniArg[]): string {
  for (const [key, value] of args) {
    if (key === "" || /[;=\0]/.test(key) || /[;=\0]/.test(value)) {
      throw invalid(`CNI_ARGS cannot express ${JSON.stringify(`${key}=${value}`)}`);
    }
  }
  return args.map(([key, value]) => `${key}=${value}`).join(";");
}

function invalid(message: string): CniError {
  return new CniError("invalid_argument", message);
}
