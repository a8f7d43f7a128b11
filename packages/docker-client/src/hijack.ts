import type { Socket } from "node:net";
import { Readable, Writable } from "node:stream";
import type { CallScope } from "./call-scope.js";
import { createDemultiplexer } from "./demultiplex.js";
import { DockerError } from "./errors.js";
import { isConnectionReset, toDockerError } from "./failure.js";
import type { HijackedStream } from "./stream-types.js";

/** What {@link createHijackedStream} needs. */
export interface HijackOptions {
  /** Just taken over from HTTP. */
  socket: Socket;
  /** Ends the stream when it aborts; disposed when the socket closes. */
  scope: CallScope;
  /** For error messages. */
  endpoint: string;
  /** Raw output instead of frames. */
  tty: boolean;
  /** Whether input was asked for. */
  stdin: boolean;
}

/** Makes the streams of a process out of the connection to it. */
export function createHijackedStream(options: HijackOptions): HijackedStream {
  const { socket, scope, endpoint } = options;
  const demultiplexer = options.tty ? undefined : createDemultiplexer();
  const full = new Set<Readable>();
  let ended = false;
  let chunks = 0;

  const stdout = createOutput();
  const stderr = createOutput();
  const stdin = options.stdin ? createInput() : null;

  function createOutput(): Readable {
    const output: Readable = new Readable({
      read() {
        drained(output);
      },
      destroy(error, done) {
        // A consumer that leaves one output must not block the other.
        drained(output);
        done(error);
      },
    });
    output.on("error", () => undefined);
    return output;
  }

  function drained(output: Readable): void {
    full.delete(output);
    if (full.size === 0 && !ended) socket.resume();
  }

  function createInput(): Writable {
    const input = new Writable({
      write(chunk, _encoding, done) {
        // A process that ends early leaves input unread. That is no failure: its output and its
        // exit code tell how it went.
        if (socket.writable) socket.write(chunk, () => done());
        else done();
      },
      final(done) {
        // This shuts our direction down only. (It is the engine's end that Node answers by ending
        // ours, and that is the end of the stream anyway.)
        if (socket.writable) socket.end(() => done());
        else done();
      },
    });
    input.on("error", () => undefined);
    return input;
  }

  function deliver(output: Readable, data: Buffer): void {
    // An empty push would count as the end of a read without data.
    if (data.length > 0 && !output.destroyed && !output.push(data)) {
      full.add(output);
      socket.pause();
    }
  }

  function onData(chunk: Buffer): void {
    if (ended) return;
    chunks++;
    if (demultiplexer === undefined) {
      deliver(stdout, chunk);
      return;
    }
    try {
      for (const piece of demultiplexer.push(chunk)) {
        deliver(
          piece.stream === "stderr" || piece.stream === "system" ? stderr : stdout,
          piece.data,
        );
      }
    } catch (reason) {
      fail(reason);
    }
  }

  function onEnd(): void {
    if (demultiplexer !== undefined && !demultiplexer.atBoundary()) {
      fail(
        new DockerError({
          code: "unavailable",
          operation: scope.operation,
          engineMessage: "the engine cut the output off in the middle of a frame",
        }),
      );
      return;
    }
    finish();
  }

  /** The engine only shuts its direction down, so closing the connection is up to us. */
  function finish(): void {
    if (!ended) {
      ended = true;
      stdout.push(null);
      stderr.push(null);
      socket.destroy();
    }
  }

  function closeOnceQuiet(quietMs: number): void {
    const before = chunks;
    const look = () => {
      if (chunks !== before || full.size > 0) closeOnceQuiet(quietMs);
      else finish();
    };
    // What came while this process was held up is read first.
    setTimeout(() => setImmediate(look), quietMs).unref();
  }

  function fail(reason: unknown): void {
    if (!ended) {
      ended = true;
      const error = toDockerError(reason, scope.operation, endpoint, scope.signal);
      stdout.destroy(error);
      stderr.destroy(error);
      socket.destroy();
    }
  }

  function onError(reason: unknown): void {
    // When the engine closes the connection with input unread, the kernel reports a reset after the
    // last output instead of an end.
    const inputRefused = stdin !== null && isConnectionReset(reason) && !scope.signal.aborted;
    if (inputRefused && (demultiplexer === undefined || demultiplexer.atBoundary())) finish();
    else fail(reason);
  }

  function onClose(): void {
    scope.signal.removeEventListener("abort", onAbort);
    scope.dispose();
    fail(new Error("the connection closed"));
    stdin?.destroy();
  }

  const onAbort = () => fail(scope.signal.reason);

  socket.on("data", onData);
  socket.on("end", onEnd);
  socket.on("error", onError);
  socket.on("close", onClose);
  scope.signal.addEventListener("abort", onAbort, { once: true });
  if (scope.signal.aborted) {
    onAbort();
  } else if (socket.destroyed) {
    fail(socket.errored ?? new Error("the connection closed"));
    onClose();
  }
  return { stdin, stdout, stderr, close: finish, closeOnceQuiet };
}
