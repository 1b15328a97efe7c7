// The files of one log directory: `current`, the old ones, the file `config`. What does not succeed is told and tried again,
// as svlogd does it; nothing here ever throws. Its caller sees to it that one thing happens at a time.
import { type Clock, type Ms, monotonic } from "../../base/clock.ts";
import { errorCode } from "../../base/errors.ts";
import { type DirectoryCalls, directoryCalls, type Links } from "./calls.ts";
import { DEFAULT_CONFIG, type DirectoryConfig, parseConfig } from "./config.ts";
import type { DirectoryOptions, Told } from "./model.ts";
import { type Kind, oldName, sacrifice, surplus } from "./names.ts";
import { processFile, type RunShell } from "./processor.ts";
import { createMicros, type Micros } from "./stamp.ts";
import { errnoText, persist } from "./trouble.ts";

/** What tests replace. */
export interface DirectoryParts {
  readonly calls?: DirectoryCalls;
  readonly clock?: Clock;
  /** Wall time for the names of old files. */
  readonly micros?: () => Micros;
  readonly run?: RunShell;
}

const OPEN_MODE = 0o644;
const CLEAN_MODE = 0o744;
const OWNER_MAY_EXECUTE = 0o100;
const STDERR = 2;
const OTHERS_MAY_WRITE = 0o022;
// Linux writes what is older than that (vm.dirty_expire_centisecs).
const WRITTEN_BACK: Ms = 30_000;
const wallMicros = createMicros();

/** Holds the descriptor of `current`, and what is known of the directory. */
export class Files {
  readonly path: string;
  readonly name: string;
  readonly told: Told;
  readonly calls: DirectoryCalls;
  readonly clock: Clock;
  config: DirectoryConfig = DEFAULT_CONFIG;
  /** Of `current`; below 0 where the directory is not open. */
  fd = -1;
  /** Bytes in `current`. */
  size = 0;
  private beganAt: Ms = 0; // with this `current`
  private readonly options: DirectoryOptions;
  private readonly parts: DirectoryParts;
  private links: Links = "follow"; // not where others may have put them
  private pending: string | null = null; // the file that a processor has
  private processing: Promise<void> | null = null;
  private syncing: Promise<void> | null = null;
  private tidying: Promise<void> | null = null; // the oldest file is being deleted

  constructor(path: string, told: Told, options: DirectoryOptions, parts: DirectoryParts) {
    this.path = path;
    this.name = options.name ?? path;
    this.told = told;
    this.options = options;
    this.parts = parts;
    this.calls = parts.calls ?? directoryCalls;
    this.clock = parts.clock ?? monotonic;
  }

  /** False: it cannot be opened, which was told. */
  async open(): Promise<boolean> {
    const { calls, name, path, told } = this;
    const facts = await calls.stat(path).catch((error) => {
      told.warning(`unable to open log directory: ${name}: ${errnoText(error)}`);
      return null;
    });
    if (facts === null) return false;
    if (!facts.isDirectory) {
      told.warning(`unable to change directory: ${name}: not a directory`);
      return false;
    }
    this.links = facts.mode & OTHERS_MAY_WRITE ? "refuse" : "follow";
    await this.readConfig();
    return this.startCurrent();
  }
  async readConfig(): Promise<void> {
    const { calls, name, told } = this;
    const bytes = await calls.read(this.at("config")).catch((error) => {
      if (errorCode(error) !== "ENOENT") told.warning(`unable to read config: ${name}: ${errnoText(error)}`);
      return null;
    });
    if (bytes !== null) told.info?.(`read: ${name}/config`);
    const { config, problems } = bytes === null ? { config: DEFAULT_CONFIG, problems: [] } : parseConfig(bytes);
    for (const problem of problems) told.warning(problem);
    this.config = config;
  }
  private async startCurrent(): Promise<boolean> {
    const { calls, name, told } = this;
    const before = await calls.stat(this.at("current")).catch((error) => error as unknown);
    if (before instanceof Error && errorCode(before) !== "ENOENT") {
      told.warning(`unable to stat current: ${name}: ${errnoText(before)}`);
      return false;
    }
    const known = before instanceof Error ? null : (before as { readonly size: number; readonly mode: number });
    const isUnclean = known !== null && known.size > 0 && (known.mode & OWNER_MAY_EXECUTE) === 0;
    if (isUnclean) {
      const old = await this.freshName("u");
      await persist(this, "unable to rename current", () => calls.rename(this.at("current"), this.at(old)));
      await this.deleteSurplus();
    }
    await this.openCurrent("unable to open current");
    this.size = isUnclean ? 0 : (known?.size ?? 0);
    told.info?.(`${known !== null && !isUnclean ? "append" : "new"}: ${name}/current`);
    return true;
  }
  private async openCurrent(trouble: string): Promise<void> {
    const { calls } = this;
    this.fd = await persist(this, trouble, () => calls.open(this.at("current"), "append", this.links));
    this.beganAt = this.clock.now();
    await persist(this, "unable to set mode of current", () => calls.fchmod(this.fd, OPEN_MODE));
  }
  /** Closes `current` cleanly; a processor goes on. */
  async shut(): Promise<void> {
    const { calls, fd, name } = this;
    if (fd < 0) return;
    await this.tidying;
    this.told.info?.(`close: ${name}`);
    await persist(this, "unable to fsync current logfile", () => calls.fsync(fd));
    await persist(this, "unable to set mode of current", () => calls.fchmod(fd, CLEAN_MODE));
    this.fd = -1;
    await calls.close(fd).catch(() => {}); // it is on the disk already
  }

  /** Moves `current` away if it is not empty, and begins a new one; waits for the processor of the last one. */
  async rotate(): Promise<void> {
    if (this.fd < 0 || this.size === 0) return;
    await this.processing;
    await this.tidying;
    const { calls, fd, name, told } = this;
    const [old] = await Promise.all([
      this.freshName(this.config.processor === null ? "s" : "u"),
      persist(this, "unable to set mode of current", () => calls.fchmod(fd, CLEAN_MODE)),
    ]);
    told.info?.(`rename: ${name}/current ${old} ${this.size}`);
    await persist(this, "unable to rename current", () => this.moveAway(old));
    this.settle(fd);
    await this.openCurrent("unable to create new current");
    this.size = 0;
    if (this.config.processor === null) {
      this.tidy();
      return;
    }
    this.pending = old;
    await this.deleteSurplus(); // what a processor begins looks like the leftover of one
    this.startProcessor(old);
  }
  /** A `current` that somebody has deleted need not be moved. */
  private async moveAway(old: string): Promise<void> {
    try {
      await this.calls.rename(this.at("current"), this.at(old));
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }
  /**
   * To the disk with the old file, while the new one is written. Not where the disk does not keep up, nor where files
   * follow each other so fast that this one will be deleted before the kernel writes it of its own accord.
   */
  private settle(fd: number): void {
    const { calls, clock, config } = this;
    const age = clock.now() - this.beganAt;
    const isShortLived = config.keep > 0 && config.keep * age < WRITTEN_BACK;
    const close = () => calls.close(fd).catch(() => {}); // nothing was left to be written by it
    if (this.syncing !== null || isShortLived) {
      void close();
      return;
    }
    this.syncing = calls
      .fsync(fd)
      .catch((error) => this.told.warning(`unable to fsync current logfile: ${this.name}: ${errnoText(error)}`))
      .then(close)
      .then(() => {
        this.syncing = null;
      });
  }
  /** While the new file is written: to delete a large one takes longer than all else here. */
  private tidy(): void {
    this.tidying = this.deleteSurplus().then(() => {
      this.tidying = null;
    });
  }
  private startProcessor(file: string): void {
    const parts = { ...this.processorParts(), command: () => this.config.processor };
    this.processing = processFile(file, parts, this.parts.run).then(() => {
      this.processing = null;
      this.pending = null;
    });
  }
  private processorParts() {
    const { calls, clock, told, path, name, links, options } = this;
    const { errorFd = STDERR, environment } = options;
    return { calls, clock, told, path, name, links, errorFd, environment };
  }
  private async deleteSurplus(): Promise<void> {
    const { calls, name, told, config } = this;
    const names = await calls.names(this.path).catch((error) => {
      told.warning(`unable to read directory: ${name}: ${errnoText(error)}`);
      return [];
    });
    const { leftovers, oldest } = surplus(names, config.keep, this.pending);
    for (const entry of leftovers) await this.remove(entry, `unable to unlink processor leftover: ${entry}`);
    if (oldest === null) return;
    told.info?.(`delete: ${name}/${oldest}`);
    await this.remove(oldest, `unable to unlink oldest logfile: ${name}`);
  }
  private async remove(entry: string, trouble: string): Promise<void> {
    await this.calls.unlink(this.at(entry)).catch((error) => this.told.warning(`${trouble}: ${errnoText(error)}`));
  }

  /** On a full disk: deletes the oldest file, if `config` allows it; false if nothing was deleted. */
  async makeRoom(): Promise<boolean> {
    await this.tidying;
    try {
      const oldest = sacrifice(await this.calls.names(this.path), this.config.least, this.config.keep);
      if (oldest === null) return false;
      this.told.warning(`out of disk space, delete: ${this.name}/${oldest}`);
      await this.calls.unlink(this.at(oldest));
      return true;
    } catch (error) {
      this.told.warning(`unable to unlink oldest logfile: ${this.name}: ${errnoText(error)}`);
      return false;
    }
  }
  get isProcessing(): boolean {
    return this.processing !== null;
  }
  /** Resolves when nothing goes on in the background: no processor, no deletion, no file on its way to the disk. */
  async settled(): Promise<void> {
    await this.processing;
    await this.tidying;
    await this.syncing;
  }

  private async freshName(kind: Kind): Promise<string> {
    const micros = this.parts.micros ?? wallMicros;
    for (let time = micros(); ; time++) {
      const candidate = oldName(time, kind);
      const isTaken = await this.calls.stat(this.at(candidate)).then(
        () => true,
        () => false,
      );
      if (!isTaken) return candidate;
    }
  }
  private at(entry: string): string {
    return `${this.path}/${entry}`;
  }
}
