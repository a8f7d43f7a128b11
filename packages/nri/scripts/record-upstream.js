// Records the facts of the upstream release that test/upstream.test.ts holds our
// api.proto against: `pnpm run record-upstream`, where Go is installed.
import { recordDescriptor } from "@dockershim/testing/protobuf";
import { loadUpstream, upstreamFixture } from "../test/upstream-module.ts";

await recordDescriptor(await loadUpstream(), upstreamFixture);
