import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";

/** Files of a tree: text or bytes make a file, executable where they begin with `#!`; `{ link }` a link; `{}` a directory. */
export type Tree = Readonly<
  Record<string, string | Uint8Array | { readonly link?: string } | { readonly text: string; readonly mode: number }>
>;

const made: string[] = [];

/** Makes a temporary directory with these files; it is removed after the file's tests. */
export function tree(files: Tree = {}): string {
  const root = mkdtempSync(join(tmpdir(), "upkeep-"));
  made.push(root);
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

afterAll(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true, force: true });
});
