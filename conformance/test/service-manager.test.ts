import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { endServices } from "../node-suite/services.ts";

const manager = join(import.meta.dirname, "../node-suite/service-manager.ts");
let folder: string;
let log: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "services-"));
  mkdirSync(join(folder, "units"));
  log = join(folder, "log");
});
afterAll(() => rmSync(folder, { recursive: true }));

function call(as: string, ...args: string[]): string {
  const env = { ...process.env, SUITE_UNITS: join(folder, "units") };
  return execFileSync(process.execPath, [manager, as, ...args], { env, encoding: "utf8" });
}

const running = (): string => call("systemctl", "list-units", "*kubelet*", "--state=running");
const lines = (): string[] => readFileSync(log, "utf8").split("\n").filter(Boolean);

test("a service runs, is killed, started again with what it was started with, and stopped", async () => {
  const script = 'echo "$$1 100%%" >&2; exec sleep 1000';
  const command = ["sh", "-c", script, "kubelet", "first"];
  const own = ["-p", "Delegate=true", "-p", `StandardError=append:${log}`, "--slice=runtime.slice"];
  call("systemd-run", ...own, "--unit=kubelet-7.service", "--remain-after-exit", ...command);
  expect(running()).toBe("kubelet-7.service loaded active running\n");
  await until(() => lines().length === 1);
  expect(lines()).toEqual(["first 100%"]);
  call("systemctl", "kill", "kubelet-7");
  expect(running()).toBe("");
  call("sudo", process.execPath, manager, "systemctl", "restart", "kubelet-7");
  expect(running()).toBe("kubelet-7.service loaded active running\n");
  await until(() => lines().length === 2);
  call("systemctl", "stop", "kubelet-7.service");
  expect(running()).toBe("");
  expect(readdirSync(join(folder, "units"))).toEqual([]);
});

test("what a run left is ended", async () => {
  call("systemd-run", "-p", `StandardError=append:${log}`, "--unit=kubelet-8", "sleep", "1000");
  expect(running()).not.toBe("");
  await endServices(folder);
  expect(running()).toBe("");
});
