import { type HeldRequest, startEngineProxy } from "../engine-proxy.js";

/** When the daemon is killed over a request: before it is passed on, with it on its way, after its reply. */
export const killWays = ["before", "with", "after"] as const;
export type KillWay = (typeof killWays)[number];

/** Stands between a daemon and the engine, and counts what the daemon asks it to change. */
export interface KillProxy {
  readonly endpoint: string;
  /** Requests that change something, as `POST /containers/ID/start`, since the last {@link KillProxy.forget}. */
  readonly steps: readonly string[];
  /** Begins to count anew, and kills nobody. */
  forget(): void;
  /** Has the daemon killed over the step of this index. */
  planKill(index: number, way: KillWay): void;
  close(): Promise<void>;
}

/**
 * @param engine The engine's socket.
 * @param socket Where to listen.
 * @param kill Kills the daemon, and resolves when it is dead.
 */
export async function startKillProxy(
  engine: string,
  socket: string,
  kill: () => Promise<void>,
): Promise<KillProxy> {
  let steps: string[] = [];
  let plan: { index: number; way: KillWay } | undefined;

  /** How the daemon is killed over this request. */
  function planned({ method, shape }: HeldRequest): KillWay | undefined {
    if (method === "GET" || method === "HEAD") return undefined;
    steps.push(shape);
    return plan?.index === steps.length - 1 ? plan.way : undefined;
  }

  const proxy = await startEngineProxy(engine, socket, (held) => {
    const way = planned(held);
    if (way === "before") return void kill();
    held.pass({
      ...(way === "with" && { onSent: () => void kill() }),
      ...(way === "after" && { onReplied: () => void kill() }),
    });
  });
  return {
    ...proxy,
    get steps() {
      return steps;
    },
    forget() {
      steps = [];
      plan = undefined;
    },
    planKill(index, way) {
      plan = { index, way };
    },
  };
}
