import { createStreamingServer, type StreamingServer } from "@dockershim/streaming";
import type { ShimContext } from "../context.js";
import { createAttachSession } from "./attach-session.js";
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

type Parts = Pick<ShimContext, "options" | "docker" | "store" | "feed" | "execExits" | "log">;

/**
 * Starts the streaming server on `--streaming-bind-addr`.
 *
 * @throws Error of listen(2), or StreamingError `invalid_argument` for the address.
 */
export async function startStreaming(parts: Parts): Promise<Streaming> {
  const log = parts.log.child({ part: "streaming" });
  const sockets = createNetnsSockets();
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  /** Remembers calls until they have settled, their cleanup included. */
  function tracked<Request, Reply>(call: (request: Request) => Promise<Reply>) {
    return async (request: Request): Promise<Reply> => {
      const reply = call(request);
      running.add(reply);
      try {
        return await reply;
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
      portForward: tracked(createPortForwardSession(parts, createPodDialer(sockets, log))),
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
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, cleanupMs);
    await Promise.race([Promise.allSettled(running), late]);
    clearTimeout(timer);
    await sockets.close();
  }
}
