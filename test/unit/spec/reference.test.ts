import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { serviceReference } from "../../../src/spec/reference.ts";

const page = join(import.meta.dirname, "../../../docs/service-reference.md");

test("docs/service-reference.md says what the tables say (UPDATE_DOCS=1 writes it)", () => {
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(page, serviceReference());
  expect(readFileSync(page, "utf8")).toBe(serviceReference());
});
