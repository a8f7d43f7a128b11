/** CRI's own bound for a message, in bytes. */
export const maxMessageBytes: number = 16 * 1024 * 1024;
