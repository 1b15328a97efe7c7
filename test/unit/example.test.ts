import { join } from "node:path";
import { expect, test } from "vitest";
import { lint } from "../../src/config/lint.ts";

test("lint has nothing to say against services.example", () => {
  const found = lint(join(import.meta.dirname, "../../services.example"), [], {}, { uid: 0, gid: 0, groups: [0] });
  expect(found).toEqual({ problems: [], services: 5 });
});
