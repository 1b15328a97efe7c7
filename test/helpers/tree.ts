import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, onTestFinished } from "vitest";

/** Files of a tree: text or bytes make a file, executable where they begin with `#!`; `{ link }` a link; `{}` a directory. */
export type Tree = Readonly<
  Record<string, string | Uint8Array | { readonly link?: string } | { readonly text: string; readonly mode: number }>
>;

/** Makes a temporary directory with these files; it is removed after the test, or after the file where no test runs. */
export function tree(files: Tree = {}): string {
  const root = mkdtempSync(join(tmpdir(), "upkeep-tree-"));
  const remove = () => rmSync(root, { recursive: true, force: true });
  try {
    onTestFinished(remove);
  } catch {
    afterAll(remove); // not within a test
  }
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    if (typeof content === "string" || content instanceof Uint8Array) {
      writeFileSync(path, content);
      chmodSync(path, content.toString().startsWith("#!") ? 0o755 : 0o644);
    } else if ("text" in content) {
      writeFileSync(path, content.text);
      chmodSync(path, content.mode);
    } else if (content.link === undefined) mkdirSync(path, { recursive: true });
    else symlinkSync(content.link, path);
  }
  return root;
}
