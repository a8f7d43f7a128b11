import { expect, test } from "@jest/globals";
import { readLog } from "../ginkgo-log.ts";

/** As Ginkgo 2.32 says it with `-v` of several processes, shortened. */
const log = `Will run 4 of 1282 specs
------------------------------
[SynchronizedBeforeSuite] PASSED [17.338 seconds]
[SynchronizedBeforeSuite] 
/kubernetes/test/e2e_node/e2e_node_suite_test.go:275

  Timeline >>
  I1130 06:05:38.353281    2764 e2e_node_suite_test.go:437] Node name: node1
  << Timeline
------------------------------
S
------------------------------
• [38.589 seconds]
[sig-node] Pods should run [Conformance] [NodeConformance] [sig-node, NodeConformance, Conformance]
/kubernetes/test/e2e/common/node/pods.go:1

  Timeline >>
  STEP: creating [FAILED] things @ 11/30/26 06:05:40.88
  << Timeline
------------------------------
S [SKIPPED] [2.000 seconds]
[sig-node] Swap [BeforeEach] with limits [sig-node, Serial]
/kubernetes/test/e2e_node/swap_test.go:1

  [SKIPPED] swap is not
  provisioned
  In [BeforeEach] at: /kubernetes/test/e2e_node/swap_test.go:2 @ 11/30/26 06:05:41
------------------------------
• [FAILED] [301.250 seconds]
[sig-node] Eviction when full [It] should evict [sig-node, Serial]
/kubernetes/test/e2e_node/eviction_test.go:1

  Timeline >>
  [FAILED] in the middle
  In [It] at: /elsewhere @ 11/30/26 06:05:42
  << Timeline

  [FAILED] Timed out after 300 s.
  Expected
      <bool>: false
  In [It] at: /kubernetes/test/e2e_node/eviction_test.go:3 @ 11/30/26 06:05:43

  There were additional failures detected.  To view them in detail run ginkgo -vv
------------------------------
↺ [FLAKEY TEST - TOOK 2 ATTEMPTS TO PASS] [9.000 seconds]
[sig-node] Probes should wait [sig-node]
/kubernetes/test/e2e/common/node/probe.go:1
------------------------------
• [1.000 seconds]
[sig-node] Half written`;

test("a log of a run that was cut off tells each check that had ended, with its reason", () => {
  expect(readLog(log)).toEqual([
    {
      name: "[sig-node] Eviction when full should evict",
      state: "failed",
      reason: "Timed out after 300 s. Expected <bool>: false",
      seconds: 301.25,
    },
    {
      name: "[sig-node] Pods should run [Conformance] [NodeConformance]",
      state: "passed",
      reason: "",
      seconds: 38.589,
    },
    {
      name: "[sig-node] Probes should wait",
      state: "passed",
      reason: "",
      seconds: 9,
      attempts: 2,
    },
    {
      name: "[sig-node] Swap with limits",
      state: "skipped",
      reason: "swap is not provisioned",
      seconds: 2,
    },
  ]);
});

/** The same with one process, which tells of a check while it runs. */
const serialLog = `------------------------------
[sig-node] Restart should recover [sig-node, Serial]
/kubernetes/test/e2e_node/restart_test.go:1
  STEP: waiting @ 11/30/26 06:05:40.88
• [38.589 seconds]
------------------------------
[sig-node] Swap with limits [sig-node, Serial]
/kubernetes/test/e2e_node/swap_test.go:1
  STEP: waiting @ 11/30/26 06:05:41
  [FAILED] in [It] - /kubernetes/test/e2e_node/swap_test.go:2 @ 11/30/26 06:05:41
• [FAILED] [5.000 seconds]
[sig-node] Swap [It] with limits [sig-node, Serial]
/kubernetes/test/e2e_node/swap_test.go:1

  [FAILED] no swap
  In [It] at: /kubernetes/test/e2e_node/swap_test.go:2 @ 11/30/26 06:05:41
------------------------------
`;

test("a log of one check at a time is read as well", () => {
  expect(readLog(serialLog)).toEqual([
    { name: "[sig-node] Restart should recover", state: "passed", reason: "", seconds: 38.589 },
    { name: "[sig-node] Swap with limits", state: "failed", reason: "no swap", seconds: 5 },
  ]);
});

test("setting the suite up counts only when it fails", () => {
  const failed = log.replace("BeforeSuite] PASSED", "BeforeSuite] [FAILED]");
  expect(readLog(failed).map(({ name, state }) => [name, state])).toContainEqual([
    "[SynchronizedBeforeSuite]",
    "failed",
  ]);
});
