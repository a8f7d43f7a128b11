import fs from "node:fs";
import { type CgroupPath, controllerDirectory } from "./cgroup-path.js";
import { CgroupError, isAbsent, systemErrorCode } from "./errors.js";
import { readKernelRecord } from "./kernel-file.js";

/**
 * `controller.…`, of the characters that kernel file names have. `cgroup.` is no controller: its
 * files move, freeze and kill processes or change what is below, and are nobody's limit.
 */
const fileName = /^(?!cgroup\.)[a-z_]+(?:\.[A-Za-z0-9_]+)+$/;

/**
 * Writes one value into one file of a cgroup, for limits that the engine has no option for.
 *
 * @param file - Such as `memory.high` or `hugetlb.2MB.max`; its first word is the controller.
 * @throws CgroupError `invalid_file` for a name that is no controller's file, `gone` when the
 * cgroup or the file is not there, `write_refused` when the kernel does not take the value.
 */
export function writeCgroupFile(path: CgroupPath, file: string, value: string | bigint): void {
  const place = placeOf(path, file);
  if (place === undefined) {
    throw new CgroupError("gone", `the cgroup has no controller for ${file}`);
  }
  writeIn(place, file, String(value));
}

/**
 * What a file has that {@link writeCgroupFile} writes: the kernel rounds some values.
 *
 * @returns Its text without the line's end; undefined when the cgroup or the file is not there.
 * @throws CgroupError `invalid_file` for a name that is no controller's file.
 */
export function readCgroupFile(path: CgroupPath, file: string): string | undefined {
  const place = placeOf(path, file);
  return place && readKernelRecord(`${place}/${file}`)?.replace(/\n$/, "");
}

/**
 * Writes cgroup v2 keys, as the OCI runtime specification's `linux.resources.unified` and the
 * CRI's `LinuxContainerResources.unified` have them. All keys are checked before one is written.
 *
 * @throws CgroupError `unified_on_v1` when a key's controller is on cgroup v1 on this machine,
 * where such a key means nothing; `invalid_file`, `gone` and `write_refused` as above.
 */
export function writeUnified(path: CgroupPath, values: Readonly<Record<string, string>>): void {
  const { unified } = path;
  for (const file of Object.keys(values)) {
    if (!fileName.test(file)) {
      throw new CgroupError("invalid_file", `"${file}" is not a file of a cgroup controller`);
    }
    const controller = file.slice(0, file.indexOf("."));
    if (unified === undefined || path.mode === "v1" || path.v1.has(v1Name(controller))) {
      throw new CgroupError(
        "unified_on_v1",
        `"${file}" is a cgroup v2 key, but on this machine ${controller} is not on cgroup v2`,
      );
    }
  }
  if (unified === undefined) return;
  for (const [file, value] of Object.entries(values)) writeIn(unified, file, value);
}

/** The v2 controller `io` is v1's `blkio`; the others kept their names. */
function v1Name(controller: string): string {
  return controller === "io" ? "blkio" : controller;
}

/**
 * Limits huge pages of one size, as the CRI's `HugepageLimit` asks for, on cgroup v1 or v2. The
 * limit of reservations is set too where the kernel has one, as the OCI runtimes do: otherwise
 * a process is killed by SIGBUS at the limit instead of being refused the mapping.
 *
 * @param pageSize - `2MB`, `1GB`: the kernel's form, which is the CRI's too.
 * @param bytes - The limit.
 * @throws CgroupError as `writeCgroupFile` does; `gone` also for a size that the machine lacks.
 */
export function writeHugepageLimit(path: CgroupPath, pageSize: string, bytes: bigint): void {
  if (!/^[1-9][0-9]*[KMG]B$/.test(pageSize)) {
    throw new CgroupError("invalid_file", `"${pageSize}" is not a size of huge pages`);
  }
  const place = controllerDirectory(path, "hugetlb");
  if (place === undefined) throw new CgroupError("gone", "the cgroup has no hugetlb controller");
  const suffix = place.version === 1 ? "limit_in_bytes" : "max";
  const reserved = `hugetlb.${pageSize}.rsvd.${suffix}`;
  writeIn(place.directory, `hugetlb.${pageSize}.${suffix}`, String(bytes));
  if (readKernelRecord(`${place.directory}/${reserved}`) !== undefined) {
    writeIn(place.directory, reserved, String(bytes));
  }
}

/** The directory of a controller's file, by the first word of its name. */
function placeOf(path: CgroupPath, file: string): string | undefined {
  if (!fileName.test(file)) {
    throw new CgroupError("invalid_file", `"${file}" is not a file of a cgroup controller`);
  }
  return controllerDirectory(path, file.slice(0, file.indexOf(".")))?.directory;
}

function writeIn(directory: string, file: string, value: string): void {
  if (/[\0\n]/.test(value)) {
    throw new CgroupError("write_refused", `the value for ${file} has more than one line`);
  }
  const { O_WRONLY, O_NOFOLLOW } = fs.constants;
  let fd: number | undefined;
  try {
    // Neither created nor truncated: kernel files exist, and anything else is not one.
    fd = fs.openSync(`${directory}/${file}`, O_WRONLY | O_NOFOLLOW);
    fs.writeSync(fd, value);
  } catch (error) {
    const code = systemErrorCode(error) ?? "unknown error";
    if (code !== "EINVAL" && isAbsent(error)) {
      throw new CgroupError("gone", `${directory}/${file} does not exist`, { cause: error });
    }
    throw new CgroupError(
      "write_refused",
      `the kernel refused "${value}" for ${directory}/${file}: ${code}`,
      { cause: error },
    );
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}
