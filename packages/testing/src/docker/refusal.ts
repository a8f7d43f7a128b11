/** What the engine answers instead of doing what it was asked for. */
export class EngineRefusal extends Error {
  readonly status: number;

  /** @param message In Docker's own words. */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
