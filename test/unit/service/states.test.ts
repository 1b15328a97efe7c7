import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { overview, page } from "./states-doc.ts";

const file = fileURLToPath(new URL("../../../docs/states.md", import.meta.url));

test("every event has its meaning in every phase", () => {
  expect(overview()).toMatchInlineSnapshot();
});

test("docs/states.md shows the machine as it is", () => {
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, page());
  expect(readFileSync(file, "utf8")).toBe(page());
});
