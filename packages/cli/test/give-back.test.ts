import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { giveBackAfterBursts } from "../src/give-back.js";

const mb = 1024 * 1024;
const everyMs = 1_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Runs the watch over what it sees one look after the other; tells at which looks memory was given back. */
function looks(seen: readonly { readonly rss: number; readonly busy?: number }[], left = 0) {
  const given: number[] = [];
  let look = 0;
  let rss = 0;
  const end = giveBackAfterBursts(
    {
      rss: () => rss,
      busy: () => seen[look]?.busy ?? 0,
      giveBack() {
        given.push(look);
        rss = left;
      },
    },
    everyMs,
  );
  for (look = 0; look < seen.length; look++) {
    rss = (seen[look]?.rss ?? 0) * mb;
    jest.advanceTimersByTime(everyMs);
  }
  end();
  jest.advanceTimersByTime(10 * everyMs);
  return given;
}

test("memory is given back once a burst is over, and not while it lasts", () => {
  const burst = [{ rss: 80 }, { rss: 200, busy: 0.9 }, { rss: 210, busy: 0.4 }, { rss: 210 }];
  expect(looks(burst, 82 * mb)).toEqual([3]);
});

test("what was left in use is no burst", () => {
  expect(looks([{ rss: 80 }, { rss: 140 }, { rss: 140 }, { rss: 145 }], 138 * mb)).toEqual([1]);
});

test("growth of a few MB is left to V8", () => {
  expect(looks([{ rss: 80 }, { rss: 90 }, { rss: 85 }, { rss: 91 }])).toEqual([]);
});

test("slow growth counts from the least that there was", () => {
  expect(looks([{ rss: 90 }, { rss: 80 }, { rss: 86 }, { rss: 93 }], 80 * mb)).toEqual([3]);
});
