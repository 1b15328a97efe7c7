import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { overview, page } from "./states-doc.ts";

const file = fileURLToPath(new URL("../../../docs/states.md", import.meta.url));

test("every event has its meaning in every phase", () => {
  expect(overview()).toMatchInlineSnapshot(`
    "                  down      waiting   preparing starting  up        stopping  sweeping  finishing backoff   failed    done
    start             waiting   ·         ·         ·         ·         *         *         *         waiting   waiting   waiting
    once              waiting   *         *         *         *         *         *         *         waiting   waiting   waiting
    stop              ·         down      stopping  stopping  stopping  ·         *         *         down      down      down
    stop (dependency) ·         ·         stopping  stopping  stopping  ·         ·         ·         ·         ·         ·
    restart           waiting   ·         stopping  stopping  stopping  *         *         *         waiting   waiting   waiting
    pause             ·         ·         ·         *         *         ·         ·         ·         ·         ·         ·
    cont              ·         ·         ·         *         *         ·         ·         ·         ·         ·         ·
    kill              ·         ·         ·         ·         ·         *         *         *         ·         ·         ·
    clear             ·         preparing ·         ·         ·         ·         ·         ·         ·         ·         ·
    spawned           ·         ·         ·         *         ·         ·         ·         ·         ·         ·         ·
    unspawned         ·         ·         sweeping  sweeping  sweeping  sweeping  ·         sweeping  ·         ·         ·
    exited 0          ·         ·         starting  sweeping  sweeping  sweeping  ·         sweeping  ·         ·         ·
    exited 1          ·         ·         sweeping  sweeping  sweeping  sweeping  ·         sweeping  ·         ·         ·
    ready             ·         ·         ·         up        ·         ·         ·         ·         ·         ·         ·
    swept 0           ·         ·         ·         ·         ·         ·         finishing ·         ·         ·         ·
    swept 2           ·         ·         ·         ·         ·         ·         *         ·         ·         ·         ·
    timeout           ·         ·         stopping  stopping  ·         *         *         *         waiting   ·         ·"
  `);
});

test("docs/states.md shows the machine as it is", () => {
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, page());
  expect(readFileSync(file, "utf8")).toBe(page());
});
