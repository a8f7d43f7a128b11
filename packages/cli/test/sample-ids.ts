/** An id of 64 digits of one kind. */
export const id = (digit: string): string => digit.repeat(64);

export const ids = {
  front: id("a"),
  back: id("b"),
  web: `1${id("c").slice(1)}`,
  ended: `2${id("c").slice(1)}`,
  db: id("d"),
};
