import Container from "dockerode/lib/container.js";
import { compareApiVersions } from "./api-version.js";
import type { ContainerInspect } from "./container-types.js";
import { createDemultiplexer, type FramePiece } from "./demultiplex.js";
import type { EngineHttp } from "./engine-http.js";
import { headerOf } from "./engine-request.js";
import { DockerError } from "./errors.js";
import { toDockerError } from "./failure.js";
import { createModem } from "./modem.js";
import { pathOfName } from "./path-of-name.js";
import type { LogFrame, LogOptions, LogStream } from "./stream-types.js";

const operation = "containers.logs";

/** A message is 16 KiB at most, from log plugins up to 1 MiB or so, and a timestamp. */
const maxFrameLength = 32 * 1024 * 1024;

/** `GET /containers/{id}/logs`. */
export function createLogStream(http: EngineHttp, id: string, options: LogOptions): LogStream {
  let begun = false;

  async function* batches(): AsyncGenerator<LogFrame[]> {
    if (begun) {
      throw new DockerError({
        code: "invalid_argument",
        operation,
        engineMessage: "a log stream can be iterated once",
      });
    }
    begun = true;
    const name = pathOfName(operation, id);
    const known = await knownTty(http, name, options);
    const { response, scope } = await http.open({
      operation,
      method: "GET",
      path: `/containers/${name}/logs`,
      query: {
        stdout: options.stdout ?? true,
        stderr: options.stderr ?? true,
        follow: options.follow,
        since: options.since,
        until: options.until,
        tail: options.tail,
        timestamps: options.timestamps,
      },
      signal: options.signal,
      timeoutMs: "none",
    });
    try {
      const tty =
        known ?? headerOf(response, "content-type")?.includes("multiplexed-stream") !== true;
      const assembler = tty ? undefined : createFrameAssembler();
      for await (const chunk of response as AsyncIterable<Buffer>) {
        const frames: LogFrame[] =
          assembler === undefined ? [{ stream: "stdout", data: chunk }] : assembler.push(chunk);
        if (frames.length > 0) yield frames;
        assembler?.check();
      }
      assembler?.end();
    } catch (reason) {
      throw toDockerError(reason, operation, http.endpoint, scope.signal);
    } finally {
      response.destroy();
      scope.dispose();
    }
  }

  return {
    batches,
    async *[Symbol.asyncIterator]() {
      for await (const batch of batches()) yield* batch;
    },
  };
}

/** Before API 1.42 only the container's configuration tells frames from raw output. */
async function knownTty(
  http: EngineHttp,
  name: string,
  options: LogOptions,
): Promise<boolean | undefined> {
  if (options.tty !== undefined) return options.tty;
  if (compareApiVersions(await http.apiVersion(options.signal), "1.42") >= 0) return undefined;
  const modem = createModem(
    { operation, signal: options.signal, shape: { Config: { Tty: "boolean" } } },
    http.json,
  );
  const inspected = (await new Container(modem, name).inspect({})) as ContainerInspect;
  return inspected.Config.Tty;
}

interface FrameAssembler {
  /** The frames that are complete now. */
  push(chunk: Buffer): LogFrame[];
  /** Throws what the engine reported; called after the frames before it have been handed out. */
  check(): void;
  /** Throws if the input ended within a frame. */
  end(): void;
}

/** Puts cut frames together, for one frame is one message. */
function createFrameAssembler(): FrameAssembler {
  const demultiplexer = createDemultiplexer(maxFrameLength);
  let begun: FramePiece[] = [];
  let failure: DockerError | undefined;

  function complete(piece: FramePiece): Buffer {
    if (begun.length === 0) return piece.data;
    const data = Buffer.concat([...begun, piece].map((part) => part.data));
    begun = [];
    return data;
  }

  return {
    push(chunk) {
      const frames: LogFrame[] = [];
      for (const piece of demultiplexer.push(chunk)) {
        if (!piece.last) {
          begun.push(piece);
          continue;
        }
        const data = complete(piece);
        if (piece.stream === "system") {
          // The engine has sent its 200 when reading the log fails, and says so in the stream.
          failure ??= new DockerError({
            code: "server_error",
            operation,
            engineMessage: data.toString("utf8").trim(),
          });
        } else if (failure === undefined) {
          frames.push({ stream: piece.stream === "stderr" ? "stderr" : "stdout", data });
        }
      }
      return frames;
    },
    check() {
      if (failure !== undefined) throw failure;
    },
    end() {
      if (!demultiplexer.atBoundary()) {
        throw new DockerError({
          code: "unavailable",
          operation,
          engineMessage: "the engine cut the log off in the middle of a message",
        });
      }
    },
  };
}
