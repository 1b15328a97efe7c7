import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";

/** Removes it whole. A living upkeep may write into a `supervise/` meanwhile, which is then not empty at the first try. */
export function removeAll(path: string): void {
  for (let left = 1000; ; left--)
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY" || left === 0) throw error;
    }
}

/** A file's text; with a mode where the usual one (755 for what is run, 644 else) will not do. */
export type File = string | Buffer | { readonly text: string | Buffer; readonly mode: number };
/** One service directory: `{ run: "#!/bin/sh\n…", "service.ini": "…", "log/run": "…", "env/PORT": "80", down: "" }`. */
export type ServiceFiles = Readonly<Record<string, File>>;

export interface ScanDir {
  readonly path: string;
  /** Makes or changes a service: `whole` (the default) puts a new directory in place by one rename. */
  write(service: string, files: ServiceFiles, how?: "whole" | "piecemeal"): void;
  remove(service: string): void;
  /** A path in it: `at("web", "run")`. */
  at(...parts: readonly string[]): string;
}

const RUN_BY_NAME = /(^|\/)(run|finish|check)$|^control\//;

const made: string[] = [];
afterAll(() => {
  for (const path of made.splice(0)) removeAll(path);
});

/** A new empty directory that anybody may enter; it is removed when the test file is done. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "upkeep-test-"));
  chmodSync(path, 0o755);
  made.push(path);
  return path;
}

/** A temporary scan directory with these services. */
export function scanDir(services: Readonly<Record<string, ServiceFiles>> = {}): ScanDir {
  const path = join(temporaryDirectory(), "service");
  mkdirSync(path);
  const at = (...parts: readonly string[]) => join(path, ...parts);
  const self: ScanDir = {
    path,
    at,
    write(service, files, how = "whole") {
      const fresh = how === "whole" && !existsAlready(at(service));
      const target = fresh ? at(`.${service}.new`) : at(service);
      writeFiles(target, files);
      if (fresh) renameSync(target, at(service));
    },
    remove: (service) => removeAll(at(service)),
  };
  for (const [name, files] of Object.entries(services)) self.write(name, files);
  return self;
}

/** Writes files below a directory, which is made; those that are run become executable. */
export function writeFiles(directory: string, files: ServiceFiles): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, file] of Object.entries(files)) {
    const path = join(directory, name);
    const { text, mode } = isPlain(file) ? { text: file, mode: usualMode(name, file) } : file;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode); // the umask has no say
  }
}

function isPlain(file: File): file is string | Buffer {
  return typeof file === "string" || Buffer.isBuffer(file);
}

function usualMode(name: string, text: string | Buffer): number {
  return RUN_BY_NAME.test(name) || text.toString("latin1").startsWith("#!") ? 0o755 : 0o644;
}

function existsAlready(path: string): boolean {
  try {
    mkdirSync(path);
  } catch {
    return true; // EEXIST
  }
  removeAll(path);
  return false;
}
