import { expect, test } from "@jest/globals";
import { findGrowth } from "./soak/churn/flatness.js";
import { drawSamples } from "./soak/churn/plot.js";
import { type Sample, timedCalls, toCsv } from "./soak/churn/samples.js";

/** Half an hour of samples that stay as they are, but for what is changed in each by its number. */
function halfAnHour(change: (at: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: 180 }, (_, at) => ({
    seconds: at * 10,
    rssMb: 120 + (at % 7),
    heapMb: 30 + (at % 5),
    heapTotalMb: 50,
    externalMb: 5,
    fds: 100 + (at % 3),
    threads: 12,
    loopP99Ms: 4,
    load: 2,
    restarts: Math.floor(at / 30),
    pods: at * 3,
    failures: 0,
    latencies: Object.fromEntries(timedCalls.map((call) => [call, 10 + (at % 4)])),
    ...change(at),
  }));
}

const slow = (factor: number, calls: readonly string[]) => (at: number) => ({
  latencies: Object.fromEntries(
    timedCalls.map((call) => [call, at > 120 && calls.includes(call) ? 20 * factor : 20]),
  ),
});

test("what stays as it is has not grown, nor what has grown in the warm-up alone", () => {
  expect(findGrowth(halfAnHour())).toEqual([]);
  expect(findGrowth(halfAnHour((at) => ({ rssMb: 80 + Math.min(at, 40) })))).toEqual([]);
});

test.each<[string, (at: number) => Partial<Sample>]>([
  ["rssMb grew from 150.0 to 180.0", (at) => ({ rssMb: 120 + at / 2 })],
  ["fds grew from 100.0 to 106.0", (at) => ({ fds: at < 120 ? 100 : 106 })],
  ["threads grew from 12.0 to 15.0", (at) => ({ threads: at < 120 ? 12 : 15 })],
  ["loopP99Ms grew from 4.0 to 40.0", (at) => ({ loopP99Ms: at < 120 ? 4 : 40 })],
  ["execSync in ms grew from 20.0 to 100.0", slow(5, ["execSync"])],
])("what grows is told: %s", (sentence, change) => {
  expect(findGrowth(halfAnHour(change))).toEqual([sentence]);
});

test("what takes longer where the engine alone does, too, is the machine's", () => {
  expect(findGrowth(halfAnHour(slow(5, timedCalls)))).toEqual([]);
});

test("what was never measured is not called flat", () => {
  expect(findGrowth(halfAnHour(() => ({ latencies: { engine: 1 } })))).toContain(
    "lists in ms was not measured",
  );
  expect(findGrowth([])).toEqual(["too few samples to tell: run it longer"]);
});

test("samples are told as a table, a line for each; what was not measured is left empty", () => {
  const [sample] = halfAnHour(() => ({ latencies: { lists: 1.2345, execSync: 6 } }));
  expect(toCsv([sample as Sample])).toBe(
    `seconds,rssMb,heapMb,heapTotalMb,externalMb,fds,threads,loopP99Ms,load,restarts,pods,failures,${timedCalls.join()}\n` +
      "0,120,30,50,5,100,12,4,2,0,0,0,,1.23,,,,,6\n",
  );
});

test("curves are drawn for either colour scheme, with a mark for each restart", () => {
  const svg = drawSamples(halfAnHour(), "30 minutes & more");
  expect(svg).toContain("<title>30 minutes &#38; more</title>");
  expect(svg).toContain("prefers-color-scheme: dark");
  expect(svg.match(/class="restart"/g)).toHaveLength(6 * 5);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});
