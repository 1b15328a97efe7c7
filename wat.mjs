// Modules of WebAssembly text (.wat) in TypeScript: `import { wasm } from "./x.wat"` gives the assembled bytes in base64.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";

/** The source of a JavaScript module that has a .wat file's bytes. */
async function assemble(path) {
  const { default: wabt } = await import("wabt");
  const module = (await wabt()).parseWat(basename(path), await readFile(path, "utf8"));
  try {
    return `export const wasm = "${Buffer.from(module.toBinary({}).buffer).toString("base64")}";`;
  } finally {
    module.destroy();
  }
}

/** For esbuild, which makes the bundles. */
export const watForEsbuild = {
  name: "wat",
  setup: ({ onLoad }) => onLoad({ filter: /\.wat$/ }, async ({ path }) => ({ contents: await assemble(path) })),
};

/** For vite, which runs the unit tests. */
export const watForVite = {
  name: "wat",
  enforce: "pre",
  load: (id) => (id.endsWith(".wat") ? assemble(id) : null),
};
