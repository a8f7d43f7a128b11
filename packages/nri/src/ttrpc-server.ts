import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Request, RequestSchema, ResponseSchema } from "./gen/ttrpc/request_pb.js";
import { NriError } from "./nri-error.js";
import {
  createFrameReader,
  encodeFrame,
  maxMessage,
  requestFrame,
  responseFrame,
  type TtrpcFrame,
} from "./ttrpc-frames.js";

/** gRPC's codes, as far as a server of ttrpc gives them itself. */
export const grpcStatus = {
  unknown: 2,
  invalidArgument: 3,
  resourceExhausted: 8,
  unimplemented: 12,
} as const;

/** A method with what answers it. */
export interface TtrpcMethod {
  readonly path: string;
  answer(payload: Uint8Array): Promise<Uint8Array>;
}

/** Binds a method to its handler. What the handler throws becomes the call's status. */
export function method<I extends DescMessage, O extends DescMessage>(
  desc: DescMethodUnary<I, O>,
  handle: (request: MessageShape<I>) => Promise<MessageInitShape<O>> | MessageInitShape<O>,
): TtrpcMethod {
  return {
    path: `${desc.parent.typeName}/${desc.name}`,
    async answer(payload) {
      const request = decoded(desc.input, payload);
      return toBinary(desc.output, create(desc.output, await handle(request)));
    },
  };
}

/** How many calls a peer may have under way; nothing honest has more than a few. */
const maxCalls = 64;

/**
 * A server of ttrpc (PROTOCOL.md of github.com/containerd/ttrpc), for unary calls.
 *
 * @returns What takes each piece of what has come.
 */
export function serveTtrpc(
  send: (bytes: Uint8Array) => void,
  methods: readonly TtrpcMethod[],
): (piece: Uint8Array) => void {
  const byPath = new Map(methods.map((each) => [each.path, each]));
  let calls = 0;

  function reply(stream: number, response: MessageInitShape<typeof ResponseSchema>): void {
    send(
      encodeFrame(
        stream,
        responseFrame,
        toBinary(ResponseSchema, create(ResponseSchema, response)),
      ),
    );
  }

  async function answer(frame: TtrpcFrame): Promise<void> {
    try {
      const request = requestOf(frame);
      const path = `${request.service}/${request.method}`;
      const found = byPath.get(path);
      if (found === undefined) {
        throw new NriError("call_failed", `${path} is not served`, {
          status: grpcStatus.unimplemented,
        });
      }
      if (calls >= maxCalls) throw exhausted(`${calls} calls are under way`);
      calls++;
      const payload = await found.answer(request.payload).finally(() => calls--);
      // The message around it takes some bytes as well.
      if (payload.length > maxMessage - 16) throw exhausted(`${payload.length} bytes of reply`);
      reply(frame.stream, { payload });
    } catch (reason) {
      const { status = grpcStatus.unknown, message } = NriError.from(reason, "call_failed");
      reply(frame.stream, { status: { code: status, message } });
    }
  }

  return createFrameReader((frame) => void answer(frame));
}

function requestOf({ stream, type, flags, length, payload }: TtrpcFrame): Request {
  if (payload === undefined) throw exhausted(`the message has ${length} bytes`);
  if (stream % 2 !== 1) throw invalid(`stream ${stream} is not odd, as a client's is`);
  if (type !== requestFrame || flags !== 0) {
    throw invalid(`a frame of type ${type} and flags ${flags}; only unary calls are served`);
  }
  return decoded(RequestSchema, payload);
}

function decoded<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (reason) {
    throw invalid(`${schema.name} cannot be read: ${(reason as Error).message}`);
  }
}

function invalid(message: string): NriError {
  return new NriError("call_failed", message, { status: grpcStatus.invalidArgument });
}

function exhausted(message: string): NriError {
  return new NriError("call_failed", message, { status: grpcStatus.resourceExhausted });
}
