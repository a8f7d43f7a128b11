import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { CriClient } from "@dockershim/cri-client";
import type { PortForwardSession } from "@dockershim/streaming/client";
import { Option } from "commander";
import { CliError, messageOf } from "../cli-error.js";
import { findSandbox } from "../objects/find-sandbox.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";
import { sessionUrl } from "../runtime/session-url.js";
import { type PortPair, parsePortPair } from "./port-pair.js";

/** `dockershim port-forward` */
export const definePortForward: DefineCommand = (command, { terminal }) => {
  command
    .argument("<pod>", "id, beginning of it, or name, as namespace/pod")
    .argument("<port...>", "80, 8080:80 (8080 here is 80 there), or :80 (any free port here)")
    .addOption(
      new Option("--address <address>", "where to listen (repeatable, or separated by commas)")
        .default(["127.0.0.1"], "127.0.0.1")
        .argParser(collectAddresses()),
    );
  addDebugOption(addRuntimeOptions(command));
  command.addHelpText(
    "after",
    `
It goes on until it is interrupted. A connection that the pod does not take is
closed, with a line on stderr; others go on.`,
  );
  command.action((reference: string, ports: string[], { address }: { address: string[] }) =>
    withRuntime(command, terminal, async (client) => {
      const pairs = ports.map(parsePortPair);
      const { id, metadata } = await findSandbox(client, reference);
      const name = `${metadata?.namespace}/${metadata?.name}`;
      const tell = (port: number, error: unknown): void => {
        const why = messageOf(error);
        terminal.stderr.write(`dockershim: port ${port} of ${name}: ${why.trim()}\n`);
      };
      const session = createSession(
        client,
        id,
        pairs.map(({ remote }) => remote),
      );
      // Who asks for a pod that cannot be reached at all should be told at once.
      await session();
      const servers = await listenAll(pairs, address, (socket, port) => {
        forward(socket, port, session).catch((error) => tell(port, error));
      });
      for (const { server, pair } of servers) {
        const { address: at, port, family } = server.address() as AddressInfo;
        const here = family === "IPv6" ? `[${at}]:${port}` : `${at}:${port}`;
        terminal.stdout.write(`${here} -> port ${pair.remote} of ${name}\n`);
      }
      await Promise.all(servers.map(({ server }) => once(server, "close")));
    }),
  );
};

/** The first address that is given takes the place of the usual one. */
function collectAddresses(): (text: string, before: string[]) => string[] {
  const given: string[] = [];
  return (text) => {
    given.push(...text.split(",").map((each) => each.trim().replace(/^localhost$/, "127.0.0.1")));
    return [...given];
  };
}

/**
 * One session for all connections, opened anew when it has ended: a daemon may have been restarted, and the pod goes
 * on.
 */
function createSession(
  { runtime }: CriClient,
  podSandboxId: string,
  port: number[],
): () => Promise<PortForwardSession> {
  let current: Promise<PortForwardSession> | undefined;
  async function open(): Promise<PortForwardSession> {
    const { url } = await runtime.portForward({ podSandboxId, port });
    const { openPortForward } = await import("@dockershim/streaming/client");
    const session = await openPortForward(sessionUrl(url).href);
    const forget = (): void => {
      current = undefined;
    };
    void session.closed.then(forget);
    return session;
  }
  return async () => {
    current ??= open();
    try {
      return await current;
    } catch (error) {
      current = undefined;
      throw error;
    }
  };
}

interface Listening {
  readonly server: Server;
  readonly pair: PortPair;
}

/** All ports, or none of them. */
async function listenAll(
  pairs: readonly PortPair[],
  addresses: readonly string[],
  onConnection: (socket: Socket, port: number) => void,
): Promise<Listening[]> {
  const listening: Listening[] = [];
  try {
    for (const pair of pairs) {
      for (const host of addresses) {
        const server = createServer({ allowHalfOpen: true }, (socket) =>
          onConnection(socket, pair.remote),
        );
        server.listen({ host, port: pair.local });
        await once(server, "listening").catch((error) => {
          throw explainListenError(error, host, pair);
        });
        listening.push({ server, pair });
      }
    }
    return listening;
  } catch (error) {
    for (const { server } of listening) server.close();
    throw error;
  }
}

function explainListenError(
  error: NodeJS.ErrnoException,
  host: string,
  { local, remote }: PortPair,
): CliError {
  const explanations: Readonly<Record<string, string>> = {
    EADDRINUSE: `it is in use; :${remote} takes one that is free`,
    EACCES: `ports below 1024 usually take root; :${remote} takes one that is free`,
    EADDRNOTAVAIL: "this node does not have the address",
  };
  const why = explanations[error.code ?? ""] ?? error.message;
  return new CliError("failure", `cannot listen on ${host}, port ${local}: ${why}`, {
    cause: error,
  });
}

/** Joins a connection with the pod's port until both directions have ended. */
async function forward(
  socket: Socket,
  port: number,
  open: () => Promise<PortForwardSession>,
): Promise<void> {
  // A connection that comes to nothing is closed; its error is the session's.
  socket.on("error", () => undefined);
  try {
    const session = await open();
    const { stream, failure } = await session.connect(port);
    const copies = Promise.allSettled([pipeline(socket, stream), pipeline(stream, socket)]);
    const why = await failure;
    if (why !== "") throw new CliError("failure", why);
    await copies;
  } finally {
    socket.destroy();
  }
}
