// Builds dist/: the native command (one cc line) and the manager's bundle (one esbuild call).
// Up-to-date outputs are left alone, so `npm start` and `npm test` cost nothing the second time.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const root = import.meta.dirname;
const at = (...parts) => join(root, ...parts);
const { version } = JSON.parse(
  execFileSync(process.execPath, ["-p", `JSON.stringify(require(${JSON.stringify(at("package.json"))}))`]),
);

const newest = (dir, ends) =>
  Math.max(
    statSync(at("build.mjs")).mtimeMs,
    statSync(at("package.json")).mtimeMs,
    ...readdirSync(dir, { recursive: true })
      .filter((name) => ends.test(name))
      .map((name) => statSync(join(dir, name)).mtimeMs),
  );
const isFresh = (output, sources, ends) => existsSync(output) && statSync(output).mtimeMs > newest(sources, ends);

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
      execFileSync(cc, [...flags, ...extra, define, "-o", output, ...sources], { stdio: "pipe" });
      return;
    } catch (error) {
      failures.push(`${cc} ${extra.join(" ")}: ${error.stderr?.toString().trim() || error.message}`);
    }
  }
  process.stderr.write(`cannot build the core: no C compiler did it; install one (apt-get install gcc libc6-dev)\n`);
  process.stderr.write(`${failures.join("\n")}\n`);
  process.exit(1);
}

/**
 * One CommonJS file: a module loader for ES modules costs more than reading what is not needed yet, and what is imported
 * late is evaluated late in here too.
 */
async function buildManager() {
  const output = at("dist/manager.cjs");
  if (isFresh(output, at("src"), /\.ts$/)) return;
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: ["src/main.ts"],
    outfile: output,
    bundle: true,
    minify: process.env.UPKEEP_PLAIN === undefined,
    format: "cjs",
    platform: "node",
    target: "node20.19",
    define: { UPKEEP_VERSION: JSON.stringify(version) },
    logLevel: "warning",
  });
}
