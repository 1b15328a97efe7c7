// Starts the manager's bundle with V8's code cache for it, which spares a third of our part of the boot. The cache is made at
// build time, by a run of the very thing; where it does not fit this Node, or is not there, V8 refuses it and compiles.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";

/** Of the bundle's text: V8 itself only compares lengths. */
declare const BUNDLE_DIGEST: string;

const bundle = join(__dirname, "upkeep.cjs");
const readCache = (): Buffer | undefined => {
  try {
    return readFileSync(join(__dirname, `upkeep-${BUNDLE_DIGEST}.cache`));
  } catch {
    return undefined; // not built, or not copied: only slower
  }
};
const cachedData = readCache();
const source = `(function (require, module, exports) {${readFileSync(bundle, "utf8")}\n})`;
const script = new Script(source, { filename: bundle, ...(cachedData === undefined ? {} : { cachedData }) });
script.runInThisContext()(require, module, exports);
