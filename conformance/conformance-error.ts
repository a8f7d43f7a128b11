/** Something that the run needs and does not have, in words for the person who started it. */
export class ConformanceError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "ConformanceError";
  }
}
