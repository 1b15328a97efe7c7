// npm run bench: upkeep beside its lower bounds and the peers that are installed, interleaved on one machine.
// docs/benchmarks.md says what each row means and how it is measured.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compile, memoryDirectory } from "./compile.mjs";
import { summarise, table } from "./report.mjs";
import { play, plays, scenes } from "./scenes.mjs";
import { missing, subjects } from "./subjects.mjs";

const usage = `usage: npm run bench -- [--quick] [--rounds N] [--only ROWS] [--subjects NAMES] [--dir DIR] [--json FILE]
  --quick     3 rounds (default 7)
  --only      rows to measure, letters a to l, e.g. a,c
  --subjects  whom to measure, e.g. bare,upkeep,runit (bare is always there)
  --dir       where service directories are laid (default /dev/shm where programs can run there, else TMPDIR)
  --json      write the figures to FILE as well`;

const options = readOptions();
const skipped = [];
const chosen = Object.entries(subjects).filter(([name, subject]) => {
  if (options.names !== undefined && name !== "bare" && !options.names.includes(name)) return false;
  const lacking = missing(subject);
  if (lacking !== undefined) skipped.push(`${name}: skipped, ${lacking} is not here`);
  return lacking === undefined;
});
// Service directories and records in memory, so that the disk is not what is measured; the copy of Node is too big for it.
const [work, store] = [options.dir ?? memoryDirectory(), tmpdir()].map((dir) =>
  mkdtempSync(join(dir, "upkeep-bench-")),
);
const clean = () => {
  for (const dir of [work, store]) rmSync(dir, { recursive: true, force: true });
};
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.once(signal, () => {
    clean(); // stages end with us, and with them what they started
    process.exit(code);
  });
}
try {
  const samples = await measure(compile(work, store));
  publish(summarise(samples, Object.fromEntries(chosen.map(([name, { notes }]) => [name, notes ?? {}]))));
} finally {
  clean();
}

async function measure(paths) {
  const samples = {};
  const [warmUp] = scenes; // brings every program into memory; its figures are dropped
  for (const [, subject] of chosen) await play(warmUp, subject, paths, "a");
  const hopeless = new Map(scenes.map((scene) => [scene, new Set()])); // failed at first: the limits are long, once will do
  for (let round = 0; round < options.rounds; round++) {
    // A different subject first in every round, in a fixed order: none always meets the machine as another left it.
    const turn = round % chosen.length;
    const order = [...chosen.slice(turn), ...chosen.slice(0, turn)];
    for (const scene of scenes)
      for (let time = 0; time < (scene.times ?? 1); time++)
        for (const [name, subject] of order) {
          if (!plays(scene, subject, options.rows) || hopeless.get(scene)?.has(name)) continue;
          const values = await tryToPlay(scene, name, subject, paths);
          keep(samples, round, name, values);
          if (round === 0 && typeof values[0]?.[1] === "string") hopeless.get(scene).add(name);
        }
    process.stderr.write(`round ${round + 1} of ${options.rounds} done\n`);
  }
  return samples;
}

async function tryToPlay(scene, name, subject, paths) {
  const values = await play(scene, subject, paths, options.rows);
  const wrong = values.find(([, value]) => typeof value === "string");
  if (wrong !== undefined) {
    const said = readFileSync(join(paths.work, "output"), "utf8").trimEnd().split("\n").slice(-3).join("\n  ");
    process.stderr.write(`${name}, row ${wrong[0]}: ${wrong[1]}${said && `; its last words:\n  ${said}`}\n`);
  }
  return values;
}

function keep(samples, round, name, values) {
  for (const [key, value] of values) {
    samples[key] ??= {};
    samples[key][name] ??= Array.from({ length: options.rounds }, () => []);
    samples[key][name][round].push(value);
  }
}

function publish(rows) {
  const machine = {
    node: process.version,
    kernel: release(),
    processors: cpus().length,
    in: work.replace(/\/[^/]*$/, ""),
    rounds: options.rounds,
  };
  const head = Object.entries(machine).map(([key, value]) => `${key} ${value}`);
  const columns = "columns: median, ratio to bare in the same round, range";
  process.stdout.write(`${[head.join(", "), ...skipped, columns].join("\n")}\n\n${table(rows)}\n`);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ machine, skipped, rows }, null, 2)}\n`);
  }
}

function readOptions() {
  const text = { type: "string" };
  const spec = {
    quick: { type: "boolean" },
    rounds: text,
    only: text,
    subjects: text,
    dir: text,
    json: text,
    help: { type: "boolean" },
  };
  try {
    const { values } = parseArgs({ options: spec });
    if (values.help) leave(process.stdout, 0, usage);
    const rounds = Number(values.rounds ?? (values.quick ? 3 : 7));
    const rows = (values.only ?? "abcdefghijkl").replaceAll(",", "");
    const names = values.subjects?.split(",");
    const unknown = names?.find((name) => !Object.hasOwn(subjects, name));
    if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds wants a whole number above 0");
    if (!/^[a-l]+$/.test(rows)) throw new Error("--only wants letters from a to l");
    if (unknown !== undefined) throw new Error(`no subject ${unknown}; there are ${Object.keys(subjects).join(", ")}`);
    return { rounds, rows, names, dir: values.dir, json: values.json };
  } catch (error) {
    return leave(process.stderr, 64, `bench: ${error.message}\n${usage}`);
  }
}

function leave(stream, code, text) {
  stream.write(`${text}\n`);
  process.exit(code);
}
