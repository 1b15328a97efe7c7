import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../helpers/service-dir.ts";

test("the core's own snprintf writes what the standard says, for all that it knows", async () => {
  const program = join(temporaryDirectory(), "format");
  const root = join(import.meta.dirname, "../..");
  // Else the compiler would answer some of it by itself.
  const flags = ["-fno-builtin", "-fsanitize=undefined", "-fno-sanitize-recover"];
  await execa("cc", [...flags, "-o", program, join(root, "test/fixtures/format.c"), join(root, "src/core/format.c")]);
  const { exitCode, stdout } = await execa(program, { reject: false });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
});
