import type { constants } from "node:os";
import type { DirectoryCalls } from "../../../../src/log/dir/calls.ts";
import type { Told } from "../../../../src/log/dir/model.ts";

/** A Node error with this code. */
export const failure = (code: keyof typeof constants.errno): Error => Object.assign(new Error(code), { code });

interface Entry {
  text: string;
  mode: number;
}

/** One directory `/log` in memory; its calls answer at once, writes when `answer` says. */
export function fakeDisk(files: Readonly<Record<string, Entry>> = {}) {
  const entries = new Map(Object.entries(files).map(([name, entry]) => [name, { ...entry }]));
  const opened = new Map<number, Entry>();
  const log: string[] = [];
  const failing = new Map<string, Error>();
  let next = 3;
  let writes: (() => void)[] = [];
  let writeMax = Number.POSITIVE_INFINITY;
  let isHeld = false;
  const base = (path: string) => path.replace(/^\/log\/?/, "");
  const call = async <T>(name: string, path: string, work: () => T): Promise<T> => {
    log.push(`${name} ${path}`);
    const error = failing.get(name);
    if (error !== undefined) throw error;
    return work();
  };
  const entry = (path: string): Entry => {
    const found = entries.get(base(path));
    if (found === undefined) throw failure("ENOENT");
    return found;
  };
  const ofFd = (fd: number) => opened.get(fd) as Entry;
  const calls: DirectoryCalls = {
    write(fd, bytes, offset, length, done) {
      const answer = () => {
        const error = failing.get("write");
        if (error !== undefined) return done(error, 0);
        const count = Math.min(length, writeMax);
        ofFd(fd).text += bytes.toString("latin1", offset, offset + count);
        done(null, count);
      };
      if (isHeld) writes.push(answer);
      else setImmediate(answer);
    },
    open: (path, how) =>
      call("open", base(path), () => {
        if (!entries.has(base(path))) entries.set(base(path), { text: "", mode: 0o644 });
        if (how === "truncate") entry(path).text = "";
        opened.set(next, entry(path));
        return next++;
      }),
    close: (fd) => call("close", String(fd), () => void opened.delete(fd)),
    fsync: (fd) => call("fsync", String(fd), () => {}),
    fchmod: (fd, mode) =>
      call("fchmod", mode.toString(8), () => {
        ofFd(fd).mode = mode;
      }),
    chmod: (path, mode) =>
      call("chmod", base(path), () => {
        entry(path).mode = mode;
      }),
    rename: (from, to) =>
      call("rename", base(from), () => {
        entries.set(base(to), entry(from));
        entries.delete(base(from));
      }),
    unlink: (path) => call("unlink", base(path), () => void (entry(path) && entries.delete(base(path)))),
    stat: async (path) => {
      const error = failing.get("stat");
      if (error !== undefined) throw error;
      if (path === "/log") return { size: 0, mode: 0o755, isDirectory: true };
      const { text, mode } = entry(path);
      return { size: text.length, mode, isDirectory: false };
    },
    names: async () => [...entries.keys()],
    read: async (path) => Buffer.from(entry(path).text),
  };
  return {
    calls,
    log,
    entries,
    /** What a file holds; null if there is none. */
    text: (name: string) => entries.get(name)?.text ?? null,
    old: () => [...entries.keys()].filter((name) => name.startsWith("@")).sort(),
    fail: (name: string, error: Error | null) =>
      void (error === null ? failing.delete(name) : failing.set(name, error)),
    /** At most so many bytes at a time are written. */
    limit: (bytes: number) => {
      writeMax = bytes;
    },
    /** From now on writes wait for `answer`. */
    hold: () => {
      isHeld = true;
    },
    waiting: () => writes.length,
    answer: () => {
      const now = writes;
      writes = [];
      for (const write of now) write();
    },
  };
}

/** Writes down what is told. */
export function fakeTold() {
  const said: string[] = [];
  const told: Told = {
    warning: (text) => void said.push(`warning: ${text}`),
    pausing: (text) => void said.push(`pausing: ${text}`),
    info: (text) => void said.push(text),
    alert: (lines) => void said.push(`alert: ${lines}`),
  };
  return { said, told };
}

/** Until all promises and immediates that are under way are done. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
}
