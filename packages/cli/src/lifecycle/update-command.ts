import { create } from "@bufbuild/protobuf";
import { type LinuxContainerResources, LinuxContainerResourcesSchema } from "@dockershim/cri-types";
import { InvalidArgumentError, Option } from "commander";
import { CliError } from "../cli-error.js";
import { forEachReference, tryOn } from "../objects/each-object.js";
import { createFinder, fullName } from "../objects/find-object.js";
import type { DefineCommand } from "../runtime/command-context.js";
import { addDebugOption, addRuntimeOptions, withRuntime } from "../runtime/runtime-options.js";

interface UpdateOptions {
  cpus?: number;
  cpuShares?: bigint;
  cpusetCpus?: string;
  cpusetMems?: string;
  memory?: bigint;
}

/** Microseconds in which a quota is counted, as by a kubelet. */
const usualPeriod = 100_000n;

/** `dockershim update` */
export const defineUpdate: DefineCommand = (command, { terminal }) => {
  command
    .argument("<container...>", "ids, beginnings of them, or names, as pod/container")
    .addOption(
      new Option("--cpus <number>", "most CPUs' worth of time, as 0.5").argParser(parseCpus),
    )
    .addOption(new Option("--cpu-shares <number>", "weight of CPU time").argParser(parseShares))
    .option("--cpuset-cpus <list>", "only these CPUs, as 0-3,5")
    .option("--cpuset-mems <list>", "only these memory nodes")
    .addOption(new Option("--memory <size>", "limit, as 128Mi").argParser(parseSize));
  addDebugOption(addRuntimeOptions(command));
  command.action(async (references: string[], options: UpdateOptions) => {
    const { cpus, cpuShares, cpusetCpus, cpusetMems, memory } = options;
    if ([cpus, cpuShares, cpusetCpus, cpusetMems, memory].every((each) => each === undefined)) {
      throw new CliError("usage", "update: say which limit");
    }
    await withRuntime(command, terminal, async (client) => {
      const find = createFinder(client, ["container"]);
      await forEachReference(references, async (reference) => {
        const found = await find(reference);
        const name = `container ${fullName(found)}`;
        await tryOn(name, async () => {
          const { id: containerId } = found;
          const { status } = await client.runtime.containerStatus({ containerId });
          // Runtimes differ in what a limit that is left out means; all that it has is told again.
          const linux = status?.resources?.linux ?? create(LinuxContainerResourcesSchema);
          Object.assign(linux, changes(options, linux));
          await client.runtime.updateContainerResources({ containerId, linux });
        });
        terminal.stdout.write(`${name} updated\n`);
      });
    });
  });
};

function changes(
  { cpus, cpuShares, cpusetCpus, cpusetMems, memory }: UpdateOptions,
  before: LinuxContainerResources,
): Partial<LinuxContainerResources> {
  return {
    ...(cpus !== undefined && {
      cpuPeriod: usualPeriod,
      cpuQuota: BigInt(Math.round(cpus * Number(usualPeriod))),
    }),
    ...(cpuShares !== undefined && { cpuShares }),
    ...(cpusetCpus !== undefined && { cpusetCpus }),
    ...(cpusetMems !== undefined && { cpusetMems }),
    ...(memory !== undefined && {
      memoryLimitInBytes: memory,
      memorySwapLimitInBytes: withSwapOf(before, memory),
    }),
  };
}

/** CRI's limit of swap is that of memory and swap together; as much swap as before stays allowed. */
function withSwapOf(
  { memoryLimitInBytes, memorySwapLimitInBytes }: LinuxContainerResources,
  memory: bigint,
): bigint {
  if (memorySwapLimitInBytes <= 0n) return memorySwapLimitInBytes;
  return memory + memorySwapLimitInBytes - memoryLimitInBytes;
}

function parseCpus(text: string): number {
  // The kernel takes no quota below a millisecond.
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) < 0.01) {
    throw new InvalidArgumentError("It must be a number of CPUs, 0.01 or more.");
  }
  return Number(text);
}

function parseShares(text: string): bigint {
  if (!/^\d{1,6}$/.test(text) || Number(text) < 2) {
    throw new InvalidArgumentError("It must be a number, 2 or more.");
  }
  return BigInt(text);
}

const units: Readonly<Record<string, bigint>> = {
  "": 1n,
  k: 1_000n,
  M: 1_000_000n,
  G: 1_000_000_000n,
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
};

function parseSize(text: string): bigint {
  const [, amount = "", name = ""] = /^([1-9]\d{0,14})(|k|M|G|Ki|Mi|Gi)$/.exec(text) ?? [];
  const unit = units[name];
  if (amount === "" || unit === undefined) {
    throw new InvalidArgumentError("It must be a whole number of bytes, k, M, G, Ki, Mi or Gi.");
  }
  return BigInt(amount) * unit;
}
