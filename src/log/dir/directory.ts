// One log directory: it does one thing at a time, in the order of asking, and everything asynchronously.
import { errorCode } from "../../base/errors.ts";
import type { DirectoryConfig } from "./config.ts";
import { fitting } from "./cut.ts";
import { type DirectoryParts, Files } from "./files.ts";
import type { DirectoryOptions, LogDirectory, Told } from "./model.ts";
import { errnoText, PAUSE } from "./trouble.ts";

const NEWLINE = 10;
const LINE_MAX = 1000;

/** Opens a log directory, and moves away what an unclean end left in `current`. Null: it cannot be opened, and was told. */
export async function openLogDirectory(
  path: string,
  told: Told,
  options: DirectoryOptions = {},
  parts: DirectoryParts = {},
): Promise<LogDirectory | null> {
  const files = new Files(path, told, options, parts);
  return (await files.open()) ? new Directory(files, options.lineMax ?? LINE_MAX) : null;
}

/** A write that is under way. */
interface Writing {
  readonly lines: Buffer;
  readonly done: () => void;
  readonly copied: (() => void) | undefined;
}

class Directory implements LogDirectory {
  private readonly files: Files;
  private readonly lineMax: number;
  private isInside = false; // `current` ends within a line
  private isBusy = false;
  private tasks: (() => void)[] | null = null;
  private dueAt = Number.POSITIVE_INFINITY; // when `current` is old
  private cancelDue: (() => void) | null = null;

  constructor(files: Files, lineMax: number) {
    this.files = files;
    this.lineMax = lineMax;
    this.begin();
  }

  get path(): string {
    return this.files.path;
  }
  get config(): DirectoryConfig {
    return this.files.config;
  }
  write(lines: Buffer, done: () => void, copied?: () => void): void {
    this.enter(() => this.put({ lines, done, copied }, 0));
  }
  flush(): Promise<void> {
    return this.alone(async () => {});
  }
  rotate(): Promise<void> {
    return this.alone(() => this.rotateNow());
  }
  async heed(): Promise<void> {
    if (this.files.isProcessing) await this.files.readConfig();
  }
  reopen(): Promise<boolean> {
    const read = this.heed();
    return this.alone(async () => {
      await read;
      await this.files.shut();
      const isOpen = await this.files.open();
      this.begin();
      return isOpen;
    });
  }
  close(): Promise<void> {
    return this.alone(async () => {
      this.forgetAge();
      await this.files.settled();
      await this.files.shut();
    });
  }

  private enter(task: () => void): void {
    if (this.isBusy) {
      this.tasks ??= [];
      this.tasks.push(task);
      return;
    }
    this.isBusy = true;
    task();
  }
  private leave(): void {
    const next = this.tasks?.shift();
    if (next === undefined) {
      this.isBusy = false;
      this.tasks = null;
    } else next();
  }
  private alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.enter(() => {
        void work()
          .then(resolve, reject)
          .finally(() => this.leave());
      });
    });
  }

  private put(writing: Writing, from: number): void {
    const { files, config, lineMax, isInside } = this;
    const { lines, done } = writing;
    if (from === lines.length || files.fd < 0) {
      this.leave();
      done();
      return;
    }
    const { size } = files;
    const { count, isFull } = fitting(lines, from, { size, isInside }, { most: config.size, lineMax });
    const goOn = (to: number) => {
      if (isFull && to === from + count) void this.rotateNow().then(() => this.put(writing, to));
      else this.put(writing, to);
    };
    if (count === 0) {
      goOn(from);
      return;
    }
    files.calls.write(files.fd, lines, from, count, (error, written) => {
      if (error !== null) {
        void this.failed(error, writing, from);
        return;
      }
      files.size += written;
      this.isInside = lines[from + written - 1] !== NEWLINE;
      if (config.age > 0) this.awaitAge();
      goOn(from + written);
    });
  }
  private async failed(error: unknown, writing: Writing, from: number): Promise<void> {
    const { name, told, clock } = this.files;
    const code = errorCode(error);
    if ((code === "ENOSPC" || code === "EDQUOT") && (await this.files.makeRoom())) return this.put(writing, from);
    told.pausing(`unable to write to current: ${name}: ${errnoText(error)}`);
    const { lines, done, copied } = writing;
    const rest = Buffer.from(lines.subarray(from));
    copied?.();
    clock.at(clock.now() + PAUSE, () => this.put({ lines: rest, done, copied: undefined }, 0));
  }
  private async rotateNow(): Promise<void> {
    await this.files.rotate();
    this.begin();
  }
  private begin(): void {
    this.isInside = false;
    this.forgetAge();
    const { clock, size } = this.files;
    const { age } = this.config;
    this.dueAt = age > 0 ? clock.now() + age * 1000 : Number.POSITIVE_INFINITY;
    if (age > 0 && size > 0) this.awaitAge();
  }

  /** No timer runs for an empty file; its age begins anew as often as it would have been rotated. */
  private awaitAge(): void {
    if (this.cancelDue !== null) return;
    const { clock } = this.files;
    const period = this.config.age * 1000;
    const late = clock.now() - this.dueAt;
    if (late > 0) this.dueAt += Math.ceil(late / period) * period;
    this.cancelDue = clock.at(this.dueAt, () => {
      this.cancelDue = null;
      void this.rotate();
    });
  }
  private forgetAge(): void {
    this.cancelDue?.();
    this.cancelDue = null;
  }
}
