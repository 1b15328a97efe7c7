// node test/bench/logs.mjs: a log directory written by upkeep's engine, by the least a C program can do, and by the peers
// that are installed; one after the other in each round. docs/benchmarks.md says how it is measured.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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
  // It makes the pipe itself, of the writer that it starts, and stamps nothing.
  supervisord: { needs: "supervisord", play: playSupervisord },
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
  await measureAll();
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function measureAll() {
  const names = Object.keys(subjects).filter((name) => isHere(subjects[name]) && isWanted(name));
  const samples = new Map();
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [row, settings] of rows.entries())
      for (const name of names) {
        const key = `${row} ${name}`;
        const { play = playLogger } = subjects[name];
        samples.set(key, [...(samples.get(key) ?? []), await play(subjects[name], settings)]);
      }
  process.stdout.write(`| pipe | chunks | stamps | ${names.join(" | ")} |\n|${" --- |".repeat(3 + names.length)}\n`);
  for (const [row, { pipe, chunk, stamps }] of rows.entries()) {
    const cells = names.map((name) => cell(samples.get(`${row} ${name}`), samples.get(`${row} C cat`)));
    const what = [pipe, chunk === 100 ? "a line" : "64 KB", stamps ? "yes" : "no"];
    process.stdout.write(`| ${[...what, ...cells].join(" | ")} |\n`);
  }
}

/** MB/s and processor seconds for a GB. */
function playLogger({ command, pipe: large = 0, part = 1 }, { pipe, chunk, stamps }) {
  rmSync(log, { recursive: true, force: true });
  mkdirSync(log);
  writeFileSync(join(log, "config"), "s10000000\nn10\n");
  const bytes = bytesOf(part, chunk);
  const size = pipe === "8 KB" ? 8192 : large;
  const env = { ...process.env, PIPE: String(size) };
  const words = ["measure", String(size), String(bytes), String(chunk), "--", ...command(stamps)];
  const [wall, cpu] = execFileSync(logs, words, { env }).toString().trim().split(" ").map(Number);
  return { speed: bytes / 1e6 / wall, cost: cpu / (bytes / 1e9) };
}

function bytesOf(part, chunk) {
  return Math.round(Number(values.bytes) * part * (chunk === 100 ? 0.5 : 1));
}

/** The time from the writer's start to its exit, and the processor's of supervisord alone. Null: it has no such thing. */
async function playSupervisord({ part = 1 }, { pipe, chunk, stamps }) {
  if (stamps || pipe !== "as it comes") return null;
  rmSync(log, { recursive: true, force: true });
  mkdirSync(log);
  const bytes = bytesOf(part, chunk);
  const [gate, over] = [join(work, "gate"), join(work, "over")];
  for (const file of [gate, over]) {
    rmSync(file, { force: true });
    execFileSync("mkfifo", [file]);
  }
  const conf = join(work, "supervisord.conf");
  const command = `sh -c 'read line < ${gate}; ${logs} write ${bytes} ${chunk}; echo > ${over}; exec sleep 60'`;
  writeFileSync(
    conf,
    `[supervisord]\nnodaemon = true\nlogfile = /dev/null\nlogfile_maxbytes = 0\npidfile = ${join(work, "pid")}\n
[program:writer]\ncommand = ${command}\nstdout_logfile = ${join(log, "current")}\nstdout_logfile_maxbytes = 10000000
stdout_logfile_backups = 10\nstopasgroup = true\n`,
  );
  const supervisor = spawn("supervisord", ["-c", conf], { stdio: "ignore" });
  const exited = new Promise((resolve) => supervisor.once("exit", resolve));
  // Of user and system in hundredths of a second.
  const used = () => {
    const fields = readFileSync(`/proc/${supervisor.pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };
  for (let before = -1; before !== used(); await sleep(1500)) before = used();
  const [cpu, start] = [used(), performance.now()];
  writeFileSync(gate, "go\n");
  const written = spawn("cat", [over], { stdio: "ignore" });
  await new Promise((resolve) => written.once("exit", resolve));
  const wall = (performance.now() - start) / 1000;
  const cost = (used() - cpu) / (bytes / 1e9);
  supervisor.kill("SIGTERM");
  await exited;
  return { speed: bytes / 1e6 / wall, cost };
}

function cell(own, cat) {
  if (own.includes(null)) return "";
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
