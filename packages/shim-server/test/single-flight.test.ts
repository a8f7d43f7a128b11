import { describe, expect, test } from "@jest/globals";
import { createSingleFlight } from "../src/async/single-flight.js";

const never = new AbortController().signal;

describe("single flight", () => {
  test("callers of one key share one attempt and its result", async () => {
    const flights = createSingleFlight<number>();
    const { promise, resolve } = Promise.withResolvers<number>();
    let attempts = 0;
    const attempt = () => {
      attempts++;
      return promise;
    };
    const calls = [flights.run("a", never, attempt), flights.run("a", never, attempt)];
    resolve(7);
    expect(await Promise.all(calls)).toEqual([7, 7]);
    expect(attempts).toBe(1);
  });

  test("keys do not wait for each other", async () => {
    const flights = createSingleFlight<string>();
    const stuck = flights.run("a", never, () => new Promise(() => undefined));
    stuck.catch(() => undefined);
    expect(await flights.run("b", never, async () => "done")).toBe("done");
  });

  test("a caller that leaves does not end the attempt for the others", async () => {
    const flights = createSingleFlight<string>();
    const leaver = new AbortController();
    const { promise, resolve } = Promise.withResolvers<string>();
    let aborted = false;
    const attempt = (signal: AbortSignal) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return promise;
    };
    const gone = flights.run("a", leaver.signal, attempt);
    const stays = flights.run("a", never, attempt);
    leaver.abort(new Error("left"));
    await expect(gone).rejects.toThrow("left");
    expect(aborted).toBe(false);
    resolve("made");
    expect(await stays).toBe("made");
  });

  test("when the last caller has left the attempt is aborted, and the next caller waits for its end", async () => {
    const flights = createSingleFlight<string>();
    const leaver = new AbortController();
    const order: string[] = [];
    const { promise: cleaned, resolve: clean } = Promise.withResolvers<void>();
    const gone = flights.run("a", leaver.signal, async (signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      order.push("aborted");
      await cleaned;
      order.push("cleaned");
      throw new Error("aborted");
    });
    leaver.abort(new Error("left"));
    await expect(gone).rejects.toThrow("left");
    const next = flights.run("a", never, async () => {
      order.push("second");
      return "made";
    });
    clean();
    expect(await next).toBe("made");
    expect(order).toEqual(["aborted", "cleaned", "second"]);
  });

  test("a failed attempt is not remembered", async () => {
    const flights = createSingleFlight<string>();
    await expect(
      flights.run("a", never, async () => {
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(await flights.run("a", never, async () => "yes")).toBe("yes");
  });
});
