// Imported by jest's processes. A worker is given half a second to end, and as long it takes one to give back a heap of
// 400 MB, which a hundred suites leave: it ends without that.
import { isMainThread } from "node:worker_threads";

if (process.env.JEST_WORKER_ID !== undefined && isMainThread) {
  process.on("exit", (code) => process.exit(code));
}
