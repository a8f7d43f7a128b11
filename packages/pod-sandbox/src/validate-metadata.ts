import type { ContainerMetadata, PodSandboxMetadata } from "@dockershim/cri-types";
import { PodSandboxError } from "./pod-sandbox-error.js";

// Kubernetes' own names have at most 253 characters.
const maxLength = 253;

/**
 * Checks what becomes part of a Docker name. The underscore is legal in Docker but separates the
 * parts, so that two pods could share a name if it were allowed inside one.
 *
 * @throws PodSandboxError `invalid_argument`
 */
function validateNamePart(value: string, field: string): void {
  const refuse = (reason: string): never => {
    throw new PodSandboxError("invalid_argument", field, reason);
  };
  if (value === "") refuse("must not be empty");
  if (value.length > maxLength) {
    refuse(`must not be longer than ${maxLength} characters, but has ${value.length}`);
  }
  if (!/^[A-Za-z0-9.-]+$/.test(value)) {
    refuse(`${JSON.stringify(value)} may have letters, digits, '-' and '.' only`);
  }
}

/** Checks the metadata of a sandbox, of which its Docker name is made. */
export function validateSandboxMetadata(
  metadata: PodSandboxMetadata | undefined,
  field: string,
): PodSandboxMetadata {
  if (metadata === undefined) throw new PodSandboxError("invalid_argument", field, "is missing");
  validateNamePart(metadata.name, `${field}.name`);
  validateNamePart(metadata.namespace, `${field}.namespace`);
  validateNamePart(metadata.uid, `${field}.uid`);
  return metadata;
}

/** Checks the metadata of a container, of which its Docker name is made. */
export function validateContainerMetadata(
  metadata: ContainerMetadata | undefined,
  field: string,
): ContainerMetadata {
  if (metadata === undefined) throw new PodSandboxError("invalid_argument", field, "is missing");
  validateNamePart(metadata.name, `${field}.name`);
  if (metadata.name === "POD") {
    const reason = "POD is the name of sandboxes";
    throw new PodSandboxError("invalid_argument", `${field}.name`, reason);
  }
  return metadata;
}
