import { text } from "node:stream/consumers";
import type { CriClient } from "@dockershim/cri-client";
import type { ExecClientSession } from "@dockershim/streaming/client";
import { CliError } from "../cli-error.js";
import { sessionUrl } from "../runtime/session-url.js";
import { exitCodeOf } from "./exec-session.js";

/** How long tar may take to end when our side has failed, in milliseconds: it may know better why. */
const patienceMs = 1_000;

/** How a container without a program answers: by its shell's codes, or in the words of what runs it. */
const missing = /executable file not found|no such file or directory/i;

/**
 * Runs tar in a container and lets `work` read its output or write its input.
 *
 * @param name The container's, for messages.
 * @throws CliError failure when there is no tar, with what it has said when it fails; and what `work` throws.
 */
export async function runTar<Result>(
  { runtime }: CriClient,
  containerId: string,
  name: string,
  args: readonly string[],
  direction: "in" | "out",
  work: (session: ExecClientSession) => Promise<Result>,
): Promise<Result> {
  const wanted = { stdin: direction === "in", stdout: direction === "out", stderr: true };
  const cmd = ["tar", ...args];
  const { openExec } = await import("@dockershim/streaming/client");
  const { url } = await runtime.exec({ containerId, cmd, tty: false, ...wanted });
  const session = await openExec(sessionUrl(url).href, wanted);
  try {
    const said = session.stderr === null ? "" : text(session.stderr).catch(() => "");
    const working = work(session);
    let failure: { readonly of: unknown } | undefined;
    let hurry: NodeJS.Timeout | undefined;
    working.catch((error) => {
      failure = { of: error };
      hurry = setTimeout(() => session.close(), patienceMs);
    });
    const status = await session.status;
    clearTimeout(hurry);
    const complaint = (await said).trim();
    // What tar has to say comes before what its end has made of our side.
    if (failure !== undefined && status === "") throw failure.of;
    explainStatus(status, complaint, name);
    return await working;
  } finally {
    session.close();
  }
}

function explainStatus(status: string, complaint: string, name: string): void {
  let code: number;
  try {
    code = exitCodeOf(status);
  } catch (error) {
    throw missing.test(String(error)) ? withoutTar(name, error) : error;
  }
  if (code === 126 || code === 127 || (code !== 0 && /exec: "tar"/.test(complaint))) {
    throw withoutTar(name);
  }
  if (code !== 0) {
    throw new CliError("failure", `cp: tar in ${name} failed with code ${code}: ${complaint}`);
  }
}

function withoutTar(name: string, cause?: unknown): CliError {
  return new CliError(
    "failure",
    `cp: ${name} has no tar, which copying takes; "dockershim exec ${name} cat FILE" may do for one file`,
    { cause },
  );
}
