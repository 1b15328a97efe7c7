// Builds dist/: the native command (one cc line) and the manager's bundle (one esbuild call).
// Up-to-date outputs are left alone, so `npm start` and `npm test` cost nothing the second time.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { watForEsbuild } from "./wat.mjs";

const root = import.meta.dirname;
const at = (...parts) => join(root, ...parts);
const { version } = JSON.parse(
  execFileSync(process.execPath, ["-p", `JSON.stringify(require(${JSON.stringify(at("package.json"))}))`]),
);

const newest = (dir, ends) =>
  Math.max(
    statSync(at("build.mjs")).mtimeMs,
    statSync(at("wat.mjs")).mtimeMs,
    statSync(at("package.json")).mtimeMs,
    ...readdirSync(dir, { recursive: true })
      .filter((name) => ends.test(name))
      .map((name) => statSync(join(dir, name)).mtimeMs),
  );
const isFresh = (output, sources, ends) => existsSync(output) && statSync(output).mtimeMs > newest(sources, ends);

/** Who sends one of these wants nothing left behind. */
const INTERRUPTIONS = ["SIGINT", "SIGTERM"];

mkdirSync(at("dist"), { recursive: true });
buildCore();
await buildManager();

/** One static binary where the C library allows it (musl first: a tenth of the size), else a dynamic one. */
function buildCore() {
  const output = at("dist/upkeep");
  if (isFresh(output, at("src/core"), /\.[ch]$/)) return;
  const sources = readdirSync(at("src/core"))
    .filter((name) => name.endsWith(".c"))
    .map((name) => at("src/core", name));
  const flags = ["-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror", "-s"];
  // Nothing unwinds a stack here, and padding between segments is a tenth of the file.
  flags.push("-ffunction-sections", "-fdata-sections", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables");
  flags.push("-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,-z,noseparate-code", "-Wl,-z,norelro");
  const define = `-DUPKEEP_VERSION="${version}"`;
  const attempts = [
    ["musl-gcc", "-static"],
    [process.env.CC ?? "cc", "-static"],
    [process.env.CC ?? "cc", "-O1"],
  ];
  const failures = [];
  for (const [cc, ...extra] of attempts) {
    try {
      execFileSync(cc, [...flags, ...extra, define, "-o", `${output}.new`, ...sources], { stdio: "pipe" });
      // A half of it, where somebody ends us, is never taken for the whole.
      return renameSync(`${output}.new`, output);
    } catch (error) {
      failures.push(`${cc} ${extra.join(" ")}: ${error.stderr?.toString().trim() || error.message}`);
    }
  }
  process.stderr.write(`cannot build the core: no C compiler did it; install one (apt-get install gcc libc6-dev)\n`);
  process.stderr.write(`${failures.join("\n")}\n`);
  process.exit(1);
}

/**
 * The manager as one CommonJS file (a loader of ES modules costs more than reading what is not needed yet, and what is
 * imported late is evaluated late in here too), and the small one that starts it with V8's code cache.
 */
async function buildManager() {
  const output = at("dist/manager.cjs");
  if (isFresh(output, at("src"), /\.(ts|wat)$/)) return;
  const begun = new Date();
  const { build } = await import("esbuild");
  const options = {
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: "cjs",
    platform: "node",
    target: "node20.19",
    plugins: [watForEsbuild],
    logLevel: "warning",
  };
  for (const name of readdirSync(at("dist"))) if (/\.(cjs|mjs|cache)(\.new)?$/.test(name)) rmSync(at("dist", name));
  const bundle = at("dist/upkeep.cjs");
  await build({
    ...options,
    entryPoints: ["src/main.ts"],
    outfile: bundle,
    define: { UPKEEP_VERSION: JSON.stringify(version) },
  });
  const digest = createHash("sha256").update(readFileSync(bundle)).digest("hex").slice(0, 16);
  await build({
    ...options,
    entryPoints: ["src/boot.ts"],
    outfile: `${output}.new`,
    define: { BUNDLE_DIGEST: JSON.stringify(digest) },
  });
  // It is of use from now on, and up to date only when all is done: a build that is interrupted begins anew.
  utimesSync(`${output}.new`, 0, 0);
  renameSync(`${output}.new`, output);
  await makeCache(at("dist", `upkeep-${digest}.cache`));
  utimesSync(output, begun, begun);
}

/** Runs the program on one service, and has V8 write down what it has compiled by then. */
async function makeCache(cache) {
  const directory = mkdtempSync(join(tmpdir(), "upkeep-build-"));
  const within = (name, text, mode) => writeFileSync(join(directory, name), text, { mode });
  mkdirSync(join(directory, "services/one"), { recursive: true });
  // What is compiled by then is what is in the cache: so it starts, crashes, waits for another, is asked and stopped.
  mkdirSync(join(directory, "services/two"));
  within("services/one/run", "#!/bin/sh\necho one\nexec sleep 60\n", 0o755);
  within("services/one/service.ini", "requires = two\nsettle = 10ms\n", 0o644);
  within(
    "services/two/run",
    `#!/bin/sh\n[ -e ${quote(join(directory, "ran"))} ] || exec touch ${quote(join(directory, "ran"))}\nexec sleep 60\n`,
    0o755,
  );
  within("services/two/service.ini", "settle = 10ms\n", 0o644);
  within("node", `#!/bin/sh\nexec ${quote(process.execPath)} -r ${quote(join(directory, "watch.cjs"))} "$@"\n`, 0o755);
  within(
    "watch.cjs",
    `const vm = require("node:vm"), fs = require("node:fs"), { Script } = vm;
     // A flag of V8 that is set on the way would be asked of who loads the cache, before it can have set it.
     require("node:v8").setFlagsFromString = () => {};
     vm.Script = class extends Script {
       constructor(...words) {
         super(...words);
         const write = () => {
           fs.writeFileSync(${JSON.stringify(`${cache}.new`)}, this.createCachedData());
           fs.renameSync(${JSON.stringify(`${cache}.new`)}, ${JSON.stringify(cache)});
         };
         setTimeout(write, 1500);
       }
     };`,
    0o644,
  );
  const env = {
    PATH: process.env.PATH,
    UPKEEP_NODE: join(directory, "node"),
    UPKEEP_RUNTIME_DIR: join(directory, "run"),
  };
  const running = new Set();
  const start = (...words) => {
    const one = spawn(at("dist/upkeep"), words, { env, stdio: "ignore" });
    running.add(one.once("exit", () => running.delete(one)));
    return one;
  };
  let signal = null;
  const interrupt = (name) => {
    signal ??= name;
    for (const one of running) one.kill("SIGTERM");
  };
  for (const name of INTERRUPTIONS) process.on(name, interrupt);
  const child = start(join(directory, "services"));
  const ended = once(child, "exit");
  const asked = async (...words) => {
    if (signal === null) await once(start(...words), "exit");
  };
  await asked("wait", "--for", "ready", "-w", "5", "one");
  for (const words of [["status"], ["status", "one"], ["health"], ["restart", "two"], ["logs", "one"], ["stop", "one"]])
    await asked(...words);
  const end = Date.now() + 20_000;
  while (!existsSync(cache) && child.exitCode === null && signal === null && Date.now() < end) await sleep(20);
  child.kill("SIGTERM");
  await ended;
  rmSync(directory, { recursive: true, force: true });
  for (const name of INTERRUPTIONS) process.off(name, interrupt);
  // Ends us too, now that nothing is left of ours.
  if (signal !== null) process.kill(process.pid, signal);
  if (!existsSync(cache))
    process.stderr.write("built without a code cache: the program starts all the same, a little slower\n");
}

function quote(path) {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
