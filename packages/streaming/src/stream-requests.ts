import { StreamingError } from "./errors.js";

/** A CRI `ExecRequest`. */
export interface ExecUrlRequest {
  readonly containerId: string;
  readonly cmd: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** A CRI `AttachRequest`. */
export interface AttachUrlRequest {
  readonly containerId: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** A CRI `PortForwardRequest`. */
export interface PortForwardUrlRequest {
  readonly podSandboxId: string;
  /** Only the legacy WebSocket protocol reads these; over SPDY the client names each port. */
  readonly ports: readonly number[];
}

/** A validated request as the token stands for it. */
export type StreamRequest =
  | ({ readonly kind: "exec" } & ExecUrlRequest)
  | ({ readonly kind: "attach" } & AttachUrlRequest)
  | ({ readonly kind: "portforward" } & PortForwardUrlRequest);

/** Which of the three URLs a request belongs to. */
export type StreamKind = StreamRequest["kind"];

/** Applies the CRI's rules on the streams of exec and attach; throws `invalid_argument`. */
export function validateStreams(request: AttachUrlRequest): void {
  if (request.containerId === "") {
    throw new StreamingError("invalid_argument", "missing required container_id");
  }
  if (request.tty && request.stderr) {
    throw new StreamingError("invalid_argument", "tty and stderr cannot both be true");
  }
  if (!request.stdin && !request.stdout && !request.stderr) {
    throw new StreamingError(
      "invalid_argument",
      "one of stdin, stdout, or stderr must be requested",
    );
  }
}

/** Applies the rules on port-forward requests; throws `invalid_argument`. */
export function validatePortForward(request: PortForwardUrlRequest): void {
  if (request.podSandboxId === "") {
    throw new StreamingError("invalid_argument", "missing required pod_sandbox_id");
  }
  for (const port of request.ports) {
    if (!isPort(port)) {
      throw new StreamingError("invalid_argument", `port ${port} is not between 1 and 65535`);
    }
  }
}

/** Tells a TCP port number from anything else. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
