// The processes below a PID 1 and the memory they take.
import { readdirSync, readFileSync, statSync } from "node:fs";

/** All pids of the tree below `pid`, itself first. */
export function tree(pid) {
  const found = [pid];
  for (const parent of found) found.push(...childrenOf(parent));
  return found;
}

/**
 * Memory of a tree without the processes that run `service` (they are the same for every subject): proportional and
 * private KB, and how many processes that is.
 */
export function memoryOf(pid, service) {
  const { ino, dev } = statSync(service);
  const own = tree(pid).filter((each) => {
    const program = quietly(() => statSync(`/proc/${each}/exe`));
    return program !== undefined && (program.ino !== ino || program.dev !== dev);
  });
  const sums = own.map((each) => quietly(() => readFileSync(`/proc/${each}/smaps_rollup`, "latin1")) ?? "");
  const add = (key) =>
    sums.reduce((sum, text) => sum + Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0), 0);
  return { pssKb: add("Pss"), privateKb: add("Private_Clean") + add("Private_Dirty"), processes: own.length };
}

function childrenOf(pid) {
  const tasks = quietly(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  const lists = tasks.map((task) => quietly(() => readFileSync(`/proc/${pid}/task/${task}/children`, "latin1")) ?? "");
  return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
}

function quietly(read) {
  try {
    return read();
  } catch {
    return undefined; // ENOENT, ESRCH: it ended while we looked
  }
}
