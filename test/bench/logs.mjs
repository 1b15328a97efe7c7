// node test/bench/logs.mjs: a log directory written by upkeep's engine, by the least a C program can do, and by the peers
// that are installed; one after the other in each round. docs/benchmarks.md says how it is measured.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { watForEsbuild } from "../../wat.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    bytes: { type: "string", default: "500000000" },
    only: { type: "string" },
    dir: { type: "string", default: tmpdir() },
  },
});
const here = import.meta.dirname;
const work = mkdtempSync(join(values.dir, "upkeep-bench-logs-"));
const logs = join(work, "logs");
const engine = join(work, "engine.mjs");
const log = join(work, "log");
const LARGE_PIPE = 1024 * 1024;

/** With or without stamps; the size of its pipe, where it is not the one that all have. */
const subjects = {
  "C cat": { command: (stamps) => [logs, "cat", log, ...(stamps ? ["stamps"] : [])] },
  upkeep: {
    command: (stamps) => [process.execPath, engine, ...(stamps ? ["-t"] : []), log],
    // What it asks for when it finds its pipe full, and gets where the kernel has room.
    pipe: LARGE_PIPE,
  },
  "naive Node": { command: (stamps) => [process.execPath, join(here, "naive-log.mjs"), log, ...(stamps ? ["t"] : [])] },
  svlogd: { needs: "svlogd", command: (stamps) => ["svlogd", ...(stamps ? ["-t"] : []), log], part: 0.1 },
  "s6-log": {
    needs: "s6-log",
    command: (stamps) => ["s6-log", ...(stamps ? ["t"] : []), "n10", "s10000000", log],
    part: 0.2,
  },
};
const rows = [];
for (const pipe of ["as it comes", "8 KB"])
  for (const chunk of [65536, 100]) for (const stamps of [false, true]) rows.push({ pipe, chunk, stamps });

try {
  execFileSync("cc", ["-O2", "-o", logs, join(here, "logs.c")], { stdio: "inherit" });
  await build({
    entryPoints: [join(here, "../fixtures/log-stream.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [watForEsbuild],
    outfile: engine,
    logLevel: "error",
  });
  measureAll();
} finally {
  rmSync(work, { recursive: true, force: true });
}

function measureAll() {
  const names = Object.keys(subjects).filter((name) => isHere(subjects[name]) && isWanted(name));
  const samples = new Map();
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [row, settings] of rows.entries())
      for (const name of names) {
        const key = `${row} ${name}`;
        samples.set(key, [...(samples.get(key) ?? []), play(subjects[name], settings)]);
      }
  process.stdout.write(`| pipe | chunks | stamps | ${names.join(" | ")} |\n|${" --- |".repeat(3 + names.length)}\n`);
  for (const [row, { pipe, chunk, stamps }] of rows.entries()) {
    const cells = names.map((name) => cell(samples.get(`${row} ${name}`), samples.get(`${row} C cat`)));
    const what = [pipe, chunk === 100 ? "a line" : "64 KB", stamps ? "yes" : "no"];
    process.stdout.write(`| ${[...what, ...cells].join(" | ")} |\n`);
  }
}

/** MB/s and processor seconds for a GB. */
function play({ command, pipe: large = 0, part = 1 }, { pipe, chunk, stamps }) {
  rmSync(log, { recursive: true, force: true });
  mkdirSync(log);
  writeFileSync(join(log, "config"), "s10000000\nn10\n");
  const bytes = Math.round(Number(values.bytes) * part * (chunk === 100 ? 0.5 : 1));
  const size = pipe === "8 KB" ? 8192 : large;
  const env = { ...process.env, PIPE: String(size) };
  const words = ["measure", String(size), String(bytes), String(chunk), "--", ...command(stamps)];
  const [wall, cpu] = execFileSync(logs, words, { env }).toString().trim().split(" ").map(Number);
  return { speed: bytes / 1e6 / wall, cost: cpu / (bytes / 1e9) };
}

function cell(own, cat) {
  const middle = (list, key) => list.map((sample) => sample[key]).sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const ratio = (key) => (middle(own, key) / middle(cat, key)).toFixed(2);
  const figures = `${middle(own, "speed").toFixed(0)}, ${middle(own, "cost").toFixed(2)}`;
  return own === cat ? figures : `${figures} (${ratio("speed")}, ${ratio("cost")})`;
}

function isHere({ needs }) {
  if (needs === undefined) return true;
  try {
    execFileSync("sh", ["-c", `command -v ${needs}`]);
    return true;
  } catch {
    process.stderr.write(`${needs} is not here\n`);
    return false;
  }
}

function isWanted(name) {
  return name === "C cat" || values.only === undefined || values.only.split(",").includes(name);
}
