import { ShimError } from "../shim-error.js";
import type { StoreRecord } from "./records.js";
import { requireId } from "./require-id.js";

/** The beginning of an id as Docker and we give them: 64 hexadecimal digits. */
const prefix = /^[\da-f]{1,63}$/;

/** Records of one kind, by id and all of them. */
export interface IdLookup<T extends { readonly id: string }> {
  /** The CRI field that names the record, for errors. */
  readonly field: string;
  /** What is looked for, for errors. */
  readonly kind: string;
  get(id: string): T | undefined;
  all(): Iterable<T>;
}

/**
 * Finds what a request names by its id, or by the beginning of it as `crictl ps` prints it, when
 * only one record's id begins so.
 *
 * @returns Undefined for a whole id that is unknown: then the record is gone, or never was.
 * @throws ShimError `invalid_argument` for what is no id and for a prefix that several ids have,
 * `not_found` for a prefix that none has.
 */
export function findById<T extends { readonly id: string }>(
  { field, kind, get, all }: IdLookup<T>,
  id: string,
): T | undefined {
  requireId(field, id);
  const exact = get(id);
  // What cannot be a beginning is a whole id, of whatever runtime.
  if (exact !== undefined || !prefix.test(id)) return exact;
  let found: T | undefined;
  for (const record of all()) {
    if (!record.id.startsWith(id)) continue;
    if (found !== undefined) {
      throw new ShimError(
        "invalid_argument",
        `${field}: more than one ${kind} has an id that begins with "${id}"`,
      );
    }
    found = record;
  }
  return found ?? missing(field, kind, id);
}

/**
 * The record that a request names.
 *
 * @throws ShimError like {@link findById}, and `not_found` for an unknown one.
 */
export function requireById<T extends { readonly id: string }>(lookup: IdLookup<T>, id: string): T {
  return findById(lookup, id) ?? missing(lookup.field, lookup.kind, id);
}

/**
 * The record that a request wants to do something with while it runs.
 *
 * @throws ShimError like {@link requireById}, and `failed_precondition` for one that is not
 * running.
 */
export function requireRunningById<T extends StoreRecord>(lookup: IdLookup<T>, id: string): T {
  const record = requireById(lookup, id);
  const { Status: status } = record.inspect.State;
  if (status !== "running") {
    throw new ShimError(
      "failed_precondition",
      `${lookup.field}: ${lookup.kind} ${id} is ${status}`,
    );
  }
  return record;
}

function missing(field: string, kind: string, id: string): never {
  throw new ShimError("not_found", `${field}: no ${kind} ${id}`);
}
