// What runs in the place of signals, by service, and the keeping of it for the next manager.
import type { Core } from "../channel/core.ts";
import { controlsKey, encodeControls, type Job, type Jobs } from "./remembered.ts";
import type { Runner } from "./runner.ts";

/** What a script is to be run for. */
export type Wish = Omit<Job, "child" | "again">;

export interface Book extends Jobs {
  jobs: Job[];
  spared: number | null;
  termed: number | null;
  /** The core has something of it. */
  isKept: boolean;
  /** Somebody looks for the script of the first job that has none yet. */
  isSeeking: boolean;
}

export interface Books {
  get(runner: Runner): Book | undefined;
  /** The book of this service; a new one if it has none. */
  of(runner: Runner): Book;
  set(runner: Runner, jobs: Jobs): void;
  /** Has the core keep it as it is now; one in which nothing is left is thrown away. */
  keep(runner: Runner): void;
  forget(runner: Runner): void;
}

/** The books of one manager. */
export function createBooks(core: Core): Books {
  const books = new Map<Runner, Book>();
  const drop = (runner: Runner, book: Book) => {
    if (book.isKept) core.forget(controlsKey(runner.name));
    book.isKept = false;
  };
  return {
    get: (runner) => books.get(runner),
    of(runner) {
      const book = books.get(runner) ?? { jobs: [], spared: null, termed: null, isKept: false, isSeeking: false };
      books.set(runner, book);
      return book;
    },
    set: (runner, jobs) => void books.set(runner, { ...jobs, jobs: [...jobs.jobs], isKept: true, isSeeking: false }),
    keep(runner) {
      const book = books.get(runner);
      if (book === undefined) return;
      // A start that waits to know whether there is a script is asked for again by the next manager.
      const jobs = book.jobs.filter(({ child, start }) => child !== null || start === null);
      if (jobs.length > 0 || book.spared !== null || book.termed !== null) {
        book.isKept = true;
        return core.remember(controlsKey(runner.name), encodeControls({ ...book, jobs }));
      }
      drop(runner, book);
      if (book.jobs.length === 0) books.delete(runner);
    },
    forget(runner) {
      const book = books.get(runner);
      if (book !== undefined) drop(runner, book);
      books.delete(runner);
    },
  };
}
