// The manager's code cache is of use only as long as V8 accepts it; refused it costs nothing but the time it was to save.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { upkeep } from "../helpers/pid-namespace.ts";

test("the code cache that the build has made is accepted by the Node that made it", async () => {
  const dist = join(upkeep, "..");
  const caches = readdirSync(dist).filter((name) => name.endsWith(".cache"));
  expect(caches).toHaveLength(1);
  expect(existsSync(join(dist, "upkeep.cjs"))).toBe(true);
  // As boot.ts does it, with the options that the core gives to Node.
  const script = `
    const { readFileSync } = require("node:fs"), { Script } = require("node:vm"), [bundle, cache] = process.argv.slice(1);
    const source = "(function (require, module, exports) {" + readFileSync(bundle, "utf8") + "\\n})";
    console.log(new Script(source, { filename: bundle, cachedData: readFileSync(cache) }).cachedDataRejected);
  `;
  const files = [join(dist, "upkeep.cjs"), join(dist, caches[0] ?? "")];
  const { stdout } = await execa(process.execPath, ["--no-warnings", "--v8-pool-size=1", "-e", script, ...files]);
  expect(stdout).toBe("false");
});
