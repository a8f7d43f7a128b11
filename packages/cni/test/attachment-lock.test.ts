import { expect, test } from "@jest/globals";
import { createAttachmentLock } from "../src/attachment-lock.js";

const never = new AbortController().signal;

/** Work that is finished from outside, and tells when it was begun. */
function controlled(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    finish: resolve,
    work: async () => {
      log.push(`${name} begins`);
      await promise;
      log.push(`${name} ends`);
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("operations of one container run one at a time, in order", async () => {
  const lock = createAttachmentLock();
  const log: string[] = [];
  const [a, b, c] = [controlled(log, "a"), controlled(log, "b"), controlled(log, "c")];
  const all = [a, b, c].map(({ work }) => lock.forContainer("x", never, work));
  await settled();
  expect(log).toEqual(["a begins"]);
  for (const { finish } of [c, b, a]) finish();
  await Promise.all(all);
  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("operations of different containers run in parallel", async () => {
  const lock = createAttachmentLock();
  const log: string[] = [];
  const [a, b] = [controlled(log, "a"), controlled(log, "b")];
  const all = [lock.forContainer("x", never, a.work), lock.forContainer("y", never, b.work)];
  await settled();
  expect(log).toEqual(["a begins", "b begins"]);
  a.finish();
  b.finish();
  await Promise.all(all);
});

test("the exclusive one waits for those under way and holds back those that come", async () => {
  const lock = createAttachmentLock();
  const log: string[] = [];
  const [before, gc, after] = [
    controlled(log, "add"),
    controlled(log, "gc"),
    controlled(log, "del"),
  ];
  const all = [
    lock.forContainer("x", never, before.work),
    lock.exclusively(never, gc.work),
    lock.forContainer("y", never, after.work),
  ];
  await settled();
  expect(log).toEqual(["add begins"]);
  before.finish();
  await settled();
  expect(log).toEqual(["add begins", "add ends", "gc begins"]);
  gc.finish();
  after.finish();
  await Promise.all(all);
  expect(log.slice(2)).toEqual(["gc begins", "gc ends", "del begins", "del ends"]);
});

test("a failure lets the next one in", async () => {
  const lock = createAttachmentLock();
  const failing = lock.forContainer("x", never, () => Promise.reject(new Error("no")));
  const next = lock.forContainer("x", never, () => Promise.resolve("yes"));
  await expect(failing).rejects.toThrow("no");
  await expect(next).resolves.toBe("yes");
});

test("who gives up waiting is passed over, and no longer holds back others", async () => {
  const lock = createAttachmentLock();
  const log: string[] = [];
  const first = controlled(log, "first");
  const abort = new AbortController();
  const running = lock.forContainer("x", never, first.work);
  const gc = lock.exclusively(abort.signal, () => Promise.resolve());
  const other = controlled(log, "other");
  const waiting = lock.forContainer("y", never, other.work);
  await settled();
  expect(log).toEqual(["first begins"]);
  abort.abort(new Error("enough"));
  await expect(gc).rejects.toThrow("enough");
  await settled();
  expect(log).toEqual(["first begins", "other begins"]);
  first.finish();
  other.finish();
  await Promise.all([running, waiting]);
});

test("who has given up beforehand never begins", async () => {
  const lock = createAttachmentLock();
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(lock.forContainer("x", signal, () => Promise.resolve())).rejects.toThrow("enough");
});
