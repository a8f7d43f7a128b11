import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { RequestSchema, ResponseSchema } from "./gen/ttrpc/request_pb.js";
import { NriError } from "./nri-error.js";
import {
  createFrameReader,
  encodeFrame,
  maxMessage,
  requestFrame,
  responseFrame,
  type TtrpcFrame,
} from "./ttrpc-frames.js";

/** Calls the methods of services that the peer serves. */
export interface TtrpcClient {
  /**
   * Makes a unary call.
   *
   * @param timeoutMs How long the reply may take. The peer is told.
   * @throws NriError `call_failed` with the peer's status; `timeout`; `closed`; `message_too_large`,
   * before anything is sent; `protocol_error` when the reply cannot be read.
   */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    timeoutMs: number,
  ): Promise<MessageShape<O>>;
  /** Takes a piece of what has come. */
  receive(piece: Uint8Array): void;
  /** Fails what is under way, and whatever is called from now on. */
  fail(reason: NriError): void;
}

/** A client of ttrpc (PROTOCOL.md of github.com/containerd/ttrpc), for unary calls. */
export function createTtrpcClient(send: (bytes: Uint8Array) => void): TtrpcClient {
  const waiting = new Map<number, PromiseWithResolvers<TtrpcFrame>>();
  let nextStream = 1;
  let failure: NriError | undefined;

  // A reply that nobody waits for any more is dropped.
  const receive = createFrameReader((frame) => waiting.get(frame.stream)?.resolve(frame));

  async function exchange(payload: Uint8Array, name: string, ms: number): Promise<TtrpcFrame> {
    const stream = nextStream;
    nextStream += 2;
    const reply = Promise.withResolvers<TtrpcFrame>();
    waiting.set(stream, reply);
    const timer = setTimeout(
      () => reply.reject(new NriError("timeout", `no reply to ${name} within ${ms} ms`)),
      ms,
    );
    try {
      send(encodeFrame(stream, requestFrame, payload));
      return await reply.promise;
    } finally {
      clearTimeout(timer);
      waiting.delete(stream);
    }
  }

  return {
    receive,
    fail(reason) {
      failure ??= reason;
      for (const { reject } of waiting.values()) reject(failure);
    },
    async call(method, request, timeoutMs) {
      if (failure !== undefined) throw failure;
      const payload = toBinary(
        RequestSchema,
        create(RequestSchema, {
          service: method.parent.typeName,
          method: method.name,
          payload: toBinary(method.input, create(method.input, request)),
          timeoutNano: BigInt(Math.round(timeoutMs)) * 1_000_000n,
        }),
      );
      if (payload.length > maxMessage) {
        throw new NriError(
          "message_too_large",
          `${method.name} has ${payload.length} bytes, and ${maxMessage} are the most`,
        );
      }
      return decodeReply(method, await exchange(payload, method.name, timeoutMs));
    },
  };
}

function decodeReply<O extends DescMessage>(
  { name, output }: { readonly name: string; readonly output: O },
  frame: TtrpcFrame,
): MessageShape<O> {
  if (frame.payload === undefined) {
    throw new NriError("protocol_error", `the reply to ${name} has ${frame.length} bytes`);
  }
  if (frame.type !== responseFrame) {
    throw new NriError("protocol_error", `a frame of type ${frame.type} came for ${name}`);
  }
  try {
    const { status, payload } = fromBinary(ResponseSchema, frame.payload);
    if (status !== undefined && status.code !== 0) {
      throw new NriError("call_failed", status.message, { status: status.code });
    }
    return fromBinary(output, payload);
  } catch (reason) {
    throw NriError.from(reason, "protocol_error");
  }
}
