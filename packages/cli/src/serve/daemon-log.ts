import { fstatSync } from "node:fs";
import type { LogLevel } from "@dockershim/shim-server/options";
import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { describeError, describeRecord } from "./log-record.js";

/** Where the daemon's log goes to. */
export interface LogOutput {
  readonly fd: number;
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Severities of syslog(3), as sd-daemon(3) has them before a line, by pino's levels. */
const priorities: Readonly<Record<number, number>> = { 60: 2, 50: 3, 40: 4, 30: 6, 20: 7, 10: 7 };

/**
 * The daemon's log: readable lines on a terminal, and JSON objects elsewhere, with the time in ISO
 * 8601 and the level's name. For systemd's journal each line begins with its priority.
 */
export async function createDaemonLog(level: LogLevel, output: LogOutput): Promise<Logger> {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError },
  };
  if (output.isTerminal) return pino(options, await openTerminal(output));
  const file = pino.destination({ fd: output.fd, sync: true });
  return pino(options, isJournal(output) ? withPriorities(file) : file);
}

/** What makes lines readable is loaded where somebody reads them only. */
async function openTerminal({ fd, env }: LogOutput): Promise<DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({
    destination: fd,
    sync: true,
    // https://no-color.org
    colorize: !env.NO_COLOR,
    customColors:
      "fatal:bgRed,error:red,warn:yellow,info:green,debug:blue,trace:gray,message:reset",
    translateTime: "SYS:HH:MM:ss",
    hideObject: true,
    messageFormat: (record) => describeRecord(record),
  });
}

/** systemd names the device and inode of the stream that it reads (systemd.exec(5)). */
function isJournal({ fd, env }: LogOutput): boolean {
  if (env.JOURNAL_STREAM === undefined) return false;
  const { dev, ino } = fstatSync(fd);
  return env.JOURNAL_STREAM === `${dev}:${ino}`;
}

/** pino tells a stream with this mark the level of each line, in `lastLevel`. */
const wantsLevel = Symbol.for("pino.metadata");

function withPriorities(file: DestinationStream): DestinationStream {
  return {
    lastLevel: 30,
    write(line: string) {
      file.write(`<${priorities[this.lastLevel] ?? 6}>${line}`);
    },
    [wantsLevel]: true,
  } as DestinationStream & { lastLevel: number };
}
