import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { giveBackAfterBursts } from "../src/serve/give-back.js";

const mb = 1024 * 1024;
const everyMs = 1_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

interface Look {
  readonly own: number;
  readonly busy?: number;
}

/**
 * Runs the watch over what it sees one look after the other, in MB; each giving back leaves `left`.
 *
 * @returns At which looks memory was given back.
 */
function looks(seen: readonly Look[], left: number) {
  const given: number[] = [];
  let look = 0;
  let own = 0;
  const end = giveBackAfterBursts(
    {
      own: () => own * mb,
      busy: () => seen[look]?.busy ?? 0,
      giveBack() {
        given.push(look);
        own = left;
      },
    },
    everyMs,
  );
  for (look = 0; look < seen.length; look++) {
    own = seen[look]?.own ?? 0;
    jest.advanceTimersByTime(everyMs);
  }
  end();
  jest.advanceTimersByTime(10 * everyMs);
  return given;
}

test("what the start took is given back once that is over", () => {
  expect(looks([{ own: 60, busy: 0.8 }, { own: 60 }, { own: 45 }], 40)).toEqual([1]);
});

test("memory is given back once a burst is over, and not while it lasts", () => {
  const burst = [{ own: 60 }, { own: 160, busy: 0.9 }, { own: 170, busy: 0.4 }, { own: 170 }];
  expect(looks(burst, 40)).toEqual([0, 3]);
});

test("what was left in use is no burst", () => {
  expect(looks([{ own: 140 }, { own: 140 }, { own: 145 }], 138)).toEqual([0]);
});

test("growth of a few MB is left to V8", () => {
  expect(looks([{ own: 60 }, { own: 50 }, { own: 45 }, { own: 51 }], 40)).toEqual([0]);
});

test("a look that fails is left out", () => {
  let own = () => 60 * mb;
  let given = 0;
  const giveBack = () => void given++;
  const end = giveBackAfterBursts({ own: () => own(), busy: () => 0, giveBack }, everyMs);
  own = () => {
    throw new Error("EMFILE: too many open files");
  };
  jest.advanceTimersByTime(everyMs);
  own = () => 60 * mb;
  jest.advanceTimersByTime(everyMs);
  end();
  expect(given).toBe(1);
});

test("slow growth counts from the least that there was", () => {
  expect(looks([{ own: 60 }, { own: 35 }, { own: 46 }, { own: 48 }], 40)).toEqual([0, 3]);
});
