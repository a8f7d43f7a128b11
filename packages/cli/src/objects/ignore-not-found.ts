import { CriClientError } from "@dockershim/cri-client";

/** For what may go away while one looks: such a failure is undefined, any other is thrown on. */
export function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof CriClientError) || error.code !== "NOT_FOUND") throw error;
}
