import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImageService, RuntimeService } from "@dockershim/cri-types";
import { createCriCaller } from "./cri-caller.ts";
import { type Summary, summarize } from "./summary.ts";

/** A server that sends prepared bytes, and a caller of it. */
export interface EmptyServer {
  /** A call with a short reply, in ms. */
  small(): Promise<number>;
  /** A call whose reply is as long as a list. */
  list(): Promise<number>;
  close(): Promise<void>;
}

/** @param listBytes Size of the reply that stands for a list. */
export async function openEmptyServer(listBytes: number): Promise<EmptyServer> {
  const dir = mkdtempSync(join(tmpdir(), "dockershim-bench-"));
  const socket = join(dir, "null.sock");
  const server = await startNullServer(socket, listBytes);
  const caller = await createCriCaller(socket);
  return {
    small: async () => (await caller.call(RuntimeService.method.version, {})).ms,
    list: async () => (await caller.call(ImageService.method.listImages, {})).ms,
    async close() {
      caller.close();
      const exited = once(server, "exit");
      server.kill();
      await exited;
      rmSync(dir, { recursive: true });
    },
  };
}

/**
 * Measures what the caller, HTTP/2 in Node at both ends and this machine cost without any runtime:
 * calls to a server that sends prepared bytes. No figure of another endpoint can be trusted below
 * it.
 *
 * @param listBytes Size of the reply that stands for a list.
 */
export async function measureClientCost(
  calls: number,
  listBytes: number,
): Promise<{ small: Summary; list: Summary; listBytes: number }> {
  const server = await openEmptyServer(listBytes);
  try {
    const small: number[] = [];
    const list: number[] = [];
    for (let i = 0; i < calls; i++) {
      small.push(await server.small());
      list.push(await server.list());
    }
    return { small: summarize(small), list: summarize(list), listBytes };
  } finally {
    await server.close();
  }
}

async function startNullServer(socket: string, listBytes: number): Promise<ChildProcess> {
  const program = join(import.meta.dirname, "null-server.ts");
  const child = spawn(process.execPath, [program, socket, String(listBytes)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(() => {
      throw new Error("the null server did not start");
    }),
  ]);
  return child;
}
