import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, MethodImpl, ServiceImpl } from "@connectrpc/connect";
import type { HotCall } from "../messages/encoded.js";
import { ShimError } from "../shim-error.js";

/**
 * What must be there before a handler runs: `store` for one that answers from memory or acts on
 * what it holds, `nothing` for one that answers also while the engine is away.
 */
export type Needs = "store" | "nothing";

/** How one method of a service is answered. */
export interface Route<Method extends DescMethod> {
  readonly handler: MethodImpl<Method>;
  readonly needs: Needs;
  /** The same answer as bytes, for a call that is answered ahead of the RPC framework. */
  readonly hot?: HotCall;
}

/** A route for each method of a service: TypeScript misses none. */
export type Routes<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]: Route<Service["method"][Name]>;
};

/** The route of a method that this runtime has no way to serve. */
export function unimplemented(reason: string): {
  readonly handler: () => Promise<never>;
  readonly needs: "nothing";
} {
  return {
    needs: "nothing",
    handler: async () => {
      throw new ShimError("unimplemented", reason);
    },
  };
}

/**
 * Binds a service's routes to the RPC framework.
 *
 * @param ready Settles once memory holds what the engine holds, or throws.
 */
export function serveRoutes<Service extends DescService>(
  router: ConnectRouter,
  service: Service,
  routes: Routes<Service>,
  ready: () => Promise<void>,
): void {
  const handlers = service.methods.map((method) => {
    const { handler, needs } = routeOf(routes, method.localName);
    return [method.localName, needs === "nothing" ? handler : afterwards(method, handler, ready)];
  });
  router.service(service, Object.fromEntries(handlers) as Partial<ServiceImpl<Service>>);
}

/** The calls that are answered ahead of the framework, by HTTP path. */
export function hotCallsOf<Service extends DescService>(
  service: Service,
  routes: Routes<Service>,
): [path: string, call: HotCall][] {
  return service.methods.flatMap(({ localName, name }) => {
    const { hot } = routeOf(routes, localName);
    return hot === undefined ? [] : [[`/${service.typeName}/${name}`, hot]];
  });
}

type AnyHandler = (request: never, context: never) => unknown;

interface AnyRoute {
  readonly handler: AnyHandler;
  readonly needs: Needs;
  readonly hot?: HotCall;
}

function routeOf(routes: object, name: string): AnyRoute {
  return (routes as Readonly<Record<string, AnyRoute>>)[name] as AnyRoute;
}

function afterwards(
  { methodKind }: DescMethod,
  handler: AnyHandler,
  ready: () => Promise<void>,
): AnyHandler {
  if (methodKind === "server_streaming") {
    return async function* (request, context) {
      await ready();
      yield* handler(request, context) as AsyncIterable<unknown>;
    };
  }
  return async (request, context) => {
    await ready();
    return await handler(request, context);
  };
}
