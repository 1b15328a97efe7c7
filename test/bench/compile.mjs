// Builds the C programs of the benchmark into a directory of its own.
import { execFileSync } from "node:child_process";
import { copyFileSync, linkSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const warnings = ["-Wall", "-Wextra", "-Werror"];
const withoutLibc = [
  ...["-Os", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-asynchronous-unwind-tables"],
  ...["-Wl,--build-id=none", "-Wl,-z,noseparate-code", "-s"],
];
const hasOwnCalls = process.arch === "x64" || process.arch === "arm64";

/** The programs to build: source, and the flags to try in order until one set works. */
const programs = {
  service: { source: "service.c", tries: hasOwnCalls ? [withoutLibc] : [["-Os", "-static"], ["-Os"]] },
  stream: { source: "orphans.c", tries: [["-O2", "-static"], ["-O2"]], define: ["-DORPHANS=20000"] },
  burst: { source: "orphans.c", tries: [["-O2", "-static"], ["-O2"]], define: ["-DORPHANS=5000", "-DBURST"] },
  latency: { source: "latency.c", tries: [["-O2", "-static"], ["-O2"]] },
  direct: { source: "latency.c", tries: [["-O2", "-static"], ["-O2"]], define: ["-DDIRECT"] },
  bare: { source: "bare.c", tries: [["-O2", "-static"], ["-O2"]] },
  stage: { source: "stage.c", tries: [["-O2", "-static"], ["-O2"]] },
};

/**
 * Compiles everything into `work` and returns the paths by name, with `records` (the file that measured programs write
 * to) and, in `store`, `node`, a copy of the running Node: its pages are then shared with nobody outside the subject, as
 * in a container.
 */
export function compile(work, store) {
  const records = join(work, "records");
  writeFileSync(records, "");
  const paths = { work, records, node: join(store, "node") };
  copyFileSync(process.execPath, paths.node);
  for (const [name, { source, tries, define = [] }] of Object.entries(programs)) {
    paths[name] = join(work, name);
    const input = join(import.meta.dirname, source);
    const common = [...warnings, `-DRECORDS="${records}"`, ...define, "-o", paths[name], input];
    firstThatWorks(tries.map((flags) => [process.env.CC ?? "cc", [...flags, ...common]]));
  }
  return paths;
}

function firstThatWorks(commands) {
  const failures = [];
  for (const [program, args] of commands) {
    try {
      execFileSync(program, args, { stdio: "pipe" });
      return;
    } catch (error) {
      failures.push(error.stderr?.toString().trim() || error.message);
    }
  }
  throw new Error(`cannot build the benchmark's programs: ${failures.join("\n")}`);
}

/** Gives a service directory its `run`: a link to the program, no shell between. */
export const linkRun = (program, directory) => linkSync(program, join(directory, "run"));

/** A directory in memory from which programs can be run, else the temporary directory. */
export function memoryDirectory() {
  const mounts = readFileSync("/proc/self/mounts", "latin1").split("\n");
  const shared = mounts.map((line) => line.split(" ")).findLast(([, where]) => where === "/dev/shm");
  const isGood = shared?.[2] === "tmpfs" && !/\b(noexec|ro)\b/.test(shared[3]);
  return isGood ? "/dev/shm" : tmpdir();
}
