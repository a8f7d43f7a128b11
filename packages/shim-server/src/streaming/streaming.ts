import { createStreamingServer, type StreamingServer } from "@dockershim/streaming";
import type { Logger } from "pino";
import { within } from "../async/within.js";
import type { ExecRunner } from "../exec/exec-process.js";
import { briefMessage } from "../messages/brief-message.js";
import type { ShimOptions } from "../options.js";
import type { EventFeed } from "../state/event-feed.js";
import type { SandboxLookup } from "../state/sandbox-lookup.js";
import { type AttachSessionParts, createAttachSession } from "./attach-session.js";
import { createExecSession } from "./exec-session.js";
import { createNetnsSockets } from "./netns-sockets.js";
import { createPodDialer } from "./pod-dialer.js";
import { createPortForwardSession } from "./port-forward-session.js";

/** How long the processes of cut-off sessions may take to be killed at the end, in ms. */
const cleanupMs = 2_000;

/** The URLs that Exec, Attach and PortForward answer with, and the server behind them. */
export interface Streaming
  extends Pick<StreamingServer, "execUrl" | "attachUrl" | "portForwardUrl" | "stats"> {
  /** Ends all sessions, and the processes of their execs. May be called again. */
  close(): Promise<void>;
}

/** What the server and its sessions use. */
export interface StreamingParts extends AttachSessionParts {
  readonly store: AttachSessionParts["store"] & SandboxLookup;
  readonly run: ExecRunner;
  readonly feed: Pick<EventFeed, "ready">;
  readonly options: Pick<ShimOptions, "streamingBindAddr">;
  readonly log: Logger;
}

/**
 * Starts the streaming server on `--streaming-bind-addr`.
 *
 * @throws Error of listen(2), or StreamingError `invalid_argument` for the address.
 */
export async function startStreaming(parts: StreamingParts): Promise<Streaming> {
  const log = parts.log.child({ part: "streaming" });
  const sockets = createNetnsSockets();
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  /**
   * Sessions begin when memory is current, as calls do. They are remembered until they have
   * settled, their cleanup included. What their errors quote may be of any size.
   */
  function tracked<Request, Reply>(call: (request: Request) => Promise<Reply>) {
    return async (request: Request): Promise<Reply> => {
      const reply = parts.feed.ready().then(() => call(request));
      running.add(reply);
      try {
        return await reply;
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new Error(briefMessage(message), { cause });
      } finally {
        running.delete(reply);
      }
    };
  }

  const server = createStreamingServer({
    bindAddr: parts.options.streamingBindAddr,
    runtime: {
      exec: tracked(createExecSession(parts)),
      attach: tracked(createAttachSession(parts)),
      portForward: tracked(createPortForwardSession(parts.store, createPodDialer(sockets, log))),
    },
    log: {
      debug: (message, fields) => log.debug(fields, message),
      warn: (message, fields) => log.warn(fields, message),
    },
  });
  await server.listen();
  log.info({ url: server.baseUrl }, "streaming server listens");
  return {
    execUrl: server.execUrl,
    attachUrl: server.attachUrl,
    portForwardUrl: server.portForwardUrl,
    stats: server.stats,
    close() {
      closing ??= shutDown();
      return closing;
    },
  };

  async function shutDown(): Promise<void> {
    await server.close();
    await within(Promise.allSettled(running), cleanupMs);
    await sockets.close();
  }
}
