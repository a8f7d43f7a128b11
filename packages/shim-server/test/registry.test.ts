import { describe, expect, test } from "@jest/globals";
import { createRegistry } from "../src/telemetry/registry.js";

describe("Prometheus' text format", () => {
  test("counters add up by labels, whose values are escaped", () => {
    const registry = createRegistry();
    const counter = registry.counter("hits_total", "Hits\nof \\ things.", ["what", "code"]);
    counter.add(1, 'a"\\\n', "x");
    counter.add(2, "b", "y");
    counter.add(3, "b", "y");
    expect(registry.render()).toBe(
      "# HELP hits_total Hits\\nof \\\\ things.\n# TYPE hits_total counter\n" +
        'hits_total{what="a\\"\\\\\\n",code="x"} 1\nhits_total{what="b",code="y"} 5\n',
    );
  });

  test("a histogram's buckets are cumulative, bounds belong to them, and the last takes all", () => {
    const registry = createRegistry();
    const histogram = registry.histogram("t_seconds", "Time.", [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value);
    expect(registry.render().split("\n").slice(2)).toEqual([
      't_seconds_bucket{le="0.1"} 2',
      't_seconds_bucket{le="1"} 3',
      't_seconds_bucket{le="+Inf"} 4',
      "t_seconds_sum 7.65",
      "t_seconds_count 4",
      "",
    ]);
  });

  test("gauges are read when they are rendered", () => {
    const registry = createRegistry();
    let value = 1;
    registry.gauge("level", "Level.", () => [[value, "x"]], ["of"]);
    value = 2;
    expect(registry.render()).toContain('level{of="x"} 2\n');
  });
});
