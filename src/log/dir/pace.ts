// How seldom a pipe can be read without its writer having to wait.
import type { Clock, Ms } from "../../base/clock.ts";

/** A batch of less is little: then the pipe may fill for a moment. Half of the smallest pipe that there is. */
export const LITTLE = 4096;
/** That moment: what is written is in the file so much later at most. */
export const LINGER: Ms = 10;
/** With so much a batch is written even if there may be more. */
export const ENOUGH = 480 * 1024;
/** The pipe that is asked for where much is coming: an ordinary user may have it (/proc/sys/fs/pipe-max-size). */
export const LARGE_PIPE = 1024 * 1024;
/** From this size on a pipe can be left alone for a while. */
export const ROOMY = 256 * 1024;
/** A pipe of which nothing is known: one page. */
export const SMALLEST_PIPE = 4096;
/** How long a batch is collected from a small pipe through which much comes. */
export const MOMENT: Ms = 4;

/** So long nobody sleeps for the next bytes of a small pipe: its writer is just being woken, and to sleep would cost more. */
const RUSH: Ms = 0.05;
// A pipe as the kernel makes it, where the user has not too many of them.
const ORDINARY_PIPE = 64 * 1024;
const LOOK_EVERY = 256;

/** Measures how much comes, from one rest to the next. */
export class Pace {
  private readonly clock: Clock;
  private came = 0;
  private since: Ms;
  private isLarge = false;
  private looks = 0;
  private drops = 0; // since `rushedAt`
  private rushedAt: Ms = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.since = clock.now();
  }

  add(bytes: number): void {
    this.came += bytes;
  }
  /** A batch is collected from a small pipe from now on. */
  startRush(): void {
    this.drops = 0;
    this.rushedAt = this.clock.now();
  }
  /** False: too little has come since. */
  get isRushing(): boolean {
    return this.clock.now() - this.rushedAt < RUSH;
  }
  /** So much was read at once: more than an ordinary pipe holds means that it has been made larger. */
  saw(bytes: number): void {
    if (bytes > ORDINARY_PIPE) this.isLarge = true;
    this.drops += bytes;
    if (this.drops >= LITTLE) this.startRush();
  }
  /** What the pipe holds, by what is known of it and what was seen. */
  capacity(known: number): number {
    return this.isLarge ? Math.max(known, LARGE_PIPE) : known;
  }
  /** Now, and again after many batches: to have the pipe made larger, and see how much gathers in it. */
  isTimeToLook(): boolean {
    return this.looks++ % LOOK_EVERY === 0;
  }
  /** In how many whole milliseconds a pipe of this size will be a third full; at most `LINGER`. */
  rest(capacity: number): Ms {
    const now = this.clock.now();
    const time = Math.floor((capacity / 3 / Math.max(this.came, 1)) * (now - this.since));
    this.since = now;
    this.came = 0;
    return Math.min(time, LINGER);
  }
}
