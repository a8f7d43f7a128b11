import { Transform } from "node:stream";

/** End of transmission, the Ctrl-D that a terminal takes for the end of input (termios(3), VEOF). */
const endOfTransmission = "\x04";

/**
 * Keys by which Docker is to leave a terminal, as its API spells them: it wants some, takes Ctrl-P and Ctrl-Q where none
 * are given, and holds back what may become them until the next key. So they begin with a key that is nothing without the
 * next one (it sets a mark, or is a prefix), and nobody types all of them.
 */
export const detachKeys = "ctrl-@,ctrl-^,ctrl-@,ctrl-_,ctrl-@,ctrl-^,ctrl-@,ctrl-_";

/** After these nothing of a line waits in the terminal: line feed, carriage return, Ctrl-D. */
const lineEnds: readonly number[] = [0x0a, 0x0d, 0x04];

/**
 * Passes input on to a terminal and types its end there, as a person would.
 *
 * Docker's answer to the end of a terminal's input is to close its output, which the client then
 * never sees, while the command goes on. In the middle of a line the first Ctrl-D only hands the
 * line over, so there it takes two.
 */
export function createTypist(): Transform {
  let midLine = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      midLine = !lineEnds.includes(chunk.at(-1) ?? 0x0a);
      done(null, chunk);
    },
    flush(done) {
      done(null, endOfTransmission.repeat(midLine ? 2 : 1));
    },
  });
}
