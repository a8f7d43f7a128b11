/**
 * The most bytes of an error's text. gRPC sends it percent-encoded in a header, where a byte may
 * become three, and clients bound what all headers have together: 16 KiB in some, 64 KiB in most.
 */
export const maxErrorBytes = 4096;

/** How much of a text that is cut comes from its end, where the reason of a chain of errors is. */
const tailBytes = 1024;

/**
 * The text of an error as it can be sent: well-formed Unicode, and cut in the middle where it has
 * more than {@link maxErrorBytes}. What it quotes (a command, an image's name) may be of any size.
 */
export function briefMessage(message: string): string {
  const text = message.toWellFormed();
  // No character has more than three bytes for each of its units.
  if (text.length * 3 <= maxErrorBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= maxErrorBytes) return text;
  const notice = ` […${bytes.length} bytes, cut…] `;
  const head = maxErrorBytes - tailBytes - Buffer.byteLength(notice);
  const beginning = bytes.toString("utf8", 0, characterStart(bytes, head, -1));
  const end = bytes.toString("utf8", characterStart(bytes, bytes.length - tailBytes, 1));
  return `${beginning}${notice}${end}`;
}

/** The nearest place at which a character begins. */
function characterStart(bytes: Buffer, from: number, direction: 1 | -1): number {
  let at = from;
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at += direction;
  return at;
}
