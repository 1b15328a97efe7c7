import { defineConfig } from "vitest/config";
import { watForVite } from "../wat.mjs";

// .ci/run counts by a report in JSON beside the usual output.
const report = process.env["UPKEEP_TEST_REPORT"];

export default defineConfig({
  test: {
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
    projects: [
      {
        plugins: [watForVite],
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          isolate: false,
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          pool: "forks",
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // After the unit tests, which have the machine to themselves.
          sequence: { groupOrder: 1 },
          // Two at a time on two cores: a test that measures promptness must not compete with ten others.
          maxWorkers: 2,
        },
      },
    ],
  },
});
