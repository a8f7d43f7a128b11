/** Tells a person what comes next. */
export function step(text: string): void {
  console.log(`\n\x1b[1m# ${text}\x1b[0m`);
}
