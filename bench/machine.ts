import { cpus, loadavg, release, totalmem } from "node:os";

/** What figures were measured on; without it they mean little. */
export function describeMachine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    loadAtStart: loadavg()
      .map((load) => load.toFixed(2))
      .join(" "),
  };
}
