import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";
import { buildFuzzer } from "../helpers/core-fuzz.ts";
import { temporaryDirectory } from "../helpers/service-dir.ts";

let fuzzer: string;
beforeAll(async () => {
  fuzzer = await buildFuzzer();
});

/** Always these, so that a failure comes again; and one of today, so that every day has its own. */
const seeds = [1, 2, 3, Math.floor(Date.now() / 86_400_000)];

test.each(seeds)(
  "whatever a manager says, between exits, signals and deaths: no sanitizer has a word (seed %i)",
  async (seed) => {
    const directory = temporaryDirectory();
    const log = `log_path=${join(directory, "report")}`;
    const { exitCode, stdout } = await execa(fuzzer, [String(seed), "20000x"], {
      reject: false,
      env: { ASAN_OPTIONS: `${log}:detect_leaks=1`, UBSAN_OPTIONS: `${log}:halt_on_error=1:print_stacktrace=1` },
    });
    expect(readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"))).toEqual([]);
    expect(exitCode).toBe(0);
    // It has done something.
    const [rounds = 0, frames = 0, starts = 0, asked = 0, freed = 0, letters = 0] = [...stdout.matchAll(/\d+/g)].map(
      Number,
    );
    expect(rounds).toBe(20_000);
    expect(frames).toBeGreaterThan(20_000);
    expect(starts).toBeGreaterThan(300);
    expect(asked).toBeGreaterThan(300);
    expect(freed).toBeGreaterThan(10);
    expect(letters).toBeGreaterThan(100);
  },
);
