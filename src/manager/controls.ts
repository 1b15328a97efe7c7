// control/C: a script of the service that runs before a signal and may take its place (runsv(8)). Whoever orders, a
// letter, a command, a shutdown, comes by here; only the KILL at the end of a stop's grace asks nobody. No order waits
// for the script of another one.
import type { Exit } from "../base/exit.ts";
import type { Core, Hello } from "../channel/core.ts";
import type { Say } from "../log/voice.ts";
import { createBooks, type Wish } from "./control-books.ts";
import type { Helpers } from "./helpers.ts";
import type { Looks } from "./looks.ts";
import { controlsKey, decodeControls, type Job } from "./remembered.ts";
import type { Runner } from "./runner.ts";
import { lookForScript } from "./script-look.ts";

export interface Controls {
  /** A signal that the machine sends to one of its processes. */
  kill(runner: Runner, child: number, signal: number, group: boolean): void;
  /** A signal that somebody orders; why not, or null. */
  signal(runner: Runner, signal: number): string | null;
  /** A restart of what runs, unless the script of TERM stands in for it. */
  restart(runner: Runner): void;
  /** Before the main process is started: true if `begin` is called later. */
  defers(runner: Runner, child: number, begin: () => void): boolean;
  /** Its process has had the stop signal, or a TERM. */
  gotTerm(runner: Runner): boolean;
  /** Its state has changed: what was said of a process that is gone is forgotten. */
  changed(runner: Runner): void;
  forget(runner: Runner): void;
  /** The scripts of an earlier manager; to be called before the runners go on. */
  takeOver(runner: Runner): void;
}

export interface ControlsParts {
  readonly core: Core;
  readonly hello: Hello;
  readonly helpers: Helpers;
  readonly looks: Looks;
  readonly say: Say;
  /** Restarts what runs. */
  readonly restart: (runner: Runner) => void;
  /** What `gotTerm` says has changed. */
  readonly termed: (runner: Runner) => void;
}

const [SIGKILL, SIGTERM, SIGCONT] = [9, 15, 18] as const;
const letters: Readonly<Record<number, string>> = {
  1: "h",
  2: "i",
  3: "q",
  [SIGKILL]: "k",
  10: "1",
  12: "2",
  14: "a",
  [SIGTERM]: "t",
  [SIGCONT]: "c",
  19: "p",
};

const plain = { cont: false, restart: false, after: null, start: null } as const;

/** The control scripts of one manager's services. */
export function createControls(parts: ControlsParts): Controls {
  const { core, hello, helpers, looks, say, termed } = parts;
  const books = createBooks(core);
  const { keep } = books;
  // How to start the main process, once control/u has ended.
  const beginnings = new Map<Runner, { readonly child: number; readonly begin: () => void }>();
  // Their restart has been asked of the script of TERM.
  const asked = new Set<Runner>();

  const send = (runner: Runner, { child, number, group }: NonNullable<Job["signal"]>, letter: string) => {
    core.kill(runner.id(child), number, group);
    if (letter === "t") books.of(runner).termed = child;
  };
  const restart = (runner: Runner, child: number) => {
    const { state } = runner;
    if ((state.phase !== "starting" && state.phase !== "up") || state.child !== child) return;
    asked.add(runner);
    parts.restart(runner);
  };
  const mayHave = ({ spec }: Runner): boolean => spec.loggerOf === null && !spec.fixed;
  const act = (runner: Runner, job: Wish, isReplaced: boolean) => {
    if (job.signal !== null) {
      if (!isReplaced && job.restart) restart(runner, job.signal.child);
      else if (!isReplaced) send(runner, job.signal, job.letter);
      else if (job.letter === "t") books.of(runner).spared = job.signal.child;
      if (job.cont) core.kill(runner.id(job.signal.child), SIGCONT, job.signal.group);
    }
    const beginning = beginnings.get(runner);
    if (job.start !== null && beginning?.child === job.start) {
      beginnings.delete(runner);
      beginning.begin();
      core.hasten(true);
    }
    if (job.after !== null) run(runner, { letter: job.after, signal: null, ...plain });
  };
  const done = (runner: Runner, job: Job, wish: Wish, isReplaced: boolean) => {
    const book = books.of(runner);
    book.jobs = book.jobs.filter((each) => each !== job);
    act(runner, wish, isReplaced);
    if (job.again !== null) run(runner, job.again);
    keep(runner);
    termed(runner);
  };
  const ended = (runner: Runner, child: number, exit: Exit | null) => {
    const job = books.get(runner)?.jobs.find((each) => each.child === child);
    if (job === undefined) return;
    if (exit === null) say("warn", `cannot run control/${job.letter} of ${runner.name}; it goes on without it`);
    done(runner, job, job, exit !== null && "code" in exit && exit.code === 0);
  };
  const begin = (runner: Runner, letter: string): number => {
    const helper = helpers.run(runner, { role: "control", letter }, (exit) => ended(runner, helper.child, exit));
    return helper.child;
  };
  /** Looks for scripts, one after the other: signals go in the order in which they were asked for. */
  const seek = (runner: Runner) => {
    const book = books.get(runner);
    const sought = book?.jobs.find(({ child }) => child === null);
    if (book === undefined || sought === undefined || book.isSeeking) return;
    book.isSeeking = true;
    const { letter } = sought;
    lookForScript(looks, runner.spec.home, letter, (result) => {
      book.isSeeking = false;
      if (result === "silent")
        say("warn", `the file system of control/${letter} of ${runner.name} does not answer; it goes on without it`);
      const runs = result === "there" || result === "maybe";
      const job = book.jobs.find(({ child }) => child === null);
      // Forgotten meanwhile: what is to follow its end is run all the same.
      if (books.get(runner) !== book || job === undefined) return void (runs && begin(runner, letter));
      if (runs) {
        const child = begin(runner, letter);
        book.jobs = book.jobs.map((each) => (each === job ? { ...job, child } : each));
        keep(runner);
      } else done(runner, job, result === "none" ? { ...job, after: null } : job, false);
      seek(runner);
    });
  };
  /** Runs its script, if there is one; the same that runs already is run once more afterwards, for the newest order. */
  const run = (runner: Runner, job: Wish) => {
    const book = books.of(runner);
    const running = book.jobs.find(({ letter }) => letter === job.letter);
    if (running !== undefined) {
      book.jobs = book.jobs.map((each) => (each === running ? { ...running, again: job } : each));
      return;
    }
    book.jobs = [...book.jobs, { ...job, child: null, again: null }];
    seek(runner);
  };
  const order = (runner: Runner, job: Wish) => {
    if (mayHave(runner)) run(runner, job);
    else act(runner, job, false);
    keep(runner);
    termed(runner);
  };
  const stopWith = (runner: Runner, child: number, number: number, group: boolean) => {
    const { state } = runner;
    if (state.phase !== "stopping") return;
    // Its script has run already.
    if (asked.delete(runner)) {
      send(runner, { child, number, group }, "t");
      return keep(runner);
    }
    const after = state.again ? null : state.cause === "removed" || state.cause === "shutdown" ? "x" : "d";
    order(runner, { letter: "t", signal: { child, number, group }, ...plain, after });
  };
  /** control/u is running, and what it runs before is not wanted any more. */
  const cancel = (runner: Runner, child: number): boolean => {
    if (beginnings.get(runner)?.child !== child) return false;
    beginnings.delete(runner);
    queueMicrotask(() => runner.send({ type: "unspawned", child, reason: "stopped", ended: true }));
    return true;
  };

  return {
    kill(runner, child, signal, group) {
      const { state, spec } = runner;
      if (state.phase === "stopping" && cancel(runner, child)) return;
      const isStopping = state.phase === "stopping" && state.child === child;
      if (signal === SIGKILL || spec.loggerOf !== null || (state.phase === "stopping" && state.preparing))
        return core.kill(runner.id(child), signal, group);
      if (isStopping && signal !== SIGCONT) return stopWith(runner, child, signal, group);
      const book = books.get(runner);
      const stop = book?.jobs.find(({ letter, signal: sent }) => letter === "t" && sent?.child === child);
      // Behind the script, as the stop signal itself.
      if (isStopping && book !== undefined && stop !== undefined) {
        book.jobs = book.jobs.map((each) => (each === stop ? { ...stop, cont: true } : each));
        return keep(runner);
      }
      const letter = letters[signal];
      if (isStopping || letter === undefined) return core.kill(runner.id(child), signal, group);
      order(runner, { letter, signal: { child, number: signal, group }, ...plain });
    },
    signal(runner, number) {
      const { state, spec } = runner;
      if (!("child" in state) || beginnings.has(runner)) return "it is not running";
      // The stop signal of a service is its TERM.
      const isStop = state.phase === "stopping" && number === spec.stopSignal;
      const letter = isStop ? "t" : letters[number];
      const signal = { child: state.child, number, group: false };
      if (letter === undefined) core.kill(runner.id(state.child), number, false);
      else order(runner, { letter, signal, ...plain });
      return null;
    },
    restart(runner) {
      const { state } = runner;
      if (!("child" in state)) return;
      const signal = { child: state.child, number: SIGTERM, group: false };
      order(runner, { letter: "t", signal, ...plain, restart: true });
    },
    defers(runner, child, begin) {
      const known = books.get(runner)?.jobs.some(({ start }) => start === child);
      if (!mayHave(runner)) return false;
      beginnings.set(runner, { child, begin });
      if (!known) run(runner, { letter: "u", signal: null, ...plain, start: child });
      keep(runner);
      return true;
    },
    gotTerm(runner) {
      const { state } = runner;
      const book = books.get(runner);
      if (!("child" in state)) return false;
      if (book?.termed === state.child) return true;
      if (state.phase !== "stopping" || state.preparing || book?.spared === state.child) return false;
      return !(book?.jobs.some(({ letter, signal }) => letter === "t" && signal?.child === state.child) ?? false);
    },
    changed(runner) {
      const book = books.get(runner);
      if (book === undefined) return;
      const child = "child" in runner.state ? runner.state.child : null;
      if (book.termed === null && book.spared === null) return;
      if (book.termed === child || book.spared === child) return;
      book.termed = book.spared = null;
      keep(runner);
    },
    forget(runner) {
      beginnings.delete(runner);
      asked.delete(runner);
      books.forget(runner);
    },
    takeOver(runner) {
      const jobs = decodeControls(hello.blobs.get(controlsKey(runner.name)));
      if (jobs === null) return;
      books.set(runner, jobs);
      // Never begun: it is as if it had failed.
      for (const { child } of jobs.jobs)
        if (child !== null && !helpers.adopt(runner, child, (exit) => ended(runner, child, exit)))
          queueMicrotask(() => ended(runner, child, null));
      seek(runner);
    },
  };
}
