// Plays every event in every phase; makes of it the overview and docs/states.md.
import { step } from "../../../src/service/machine.ts";
import type { Common, Event, Phase, State } from "../../../src/service/model.ts";
import { service, stop, words } from "./support.ts";

const NOW = 60_000;
/** The end of every deadline: only a timeout comes this late. */
const LATE = 65_000;
const spec = service({ startPre: ["./pre"], finish: "./finish", check: "./check", restart: "always" });

const common: Common = {
  want: "up",
  since: 50_000,
  sequence: 7,
  starts: 3,
  streak: 1,
  crashes: [],
  last: { at: 40_000, exit: { code: 1 }, reason: null },
  seed: 1,
};
const running = { child: 7, pid: 1007 };

const states: { readonly [P in Phase]: Extract<State, { phase: P }> } = {
  down: { ...common, phase: "down", want: "down" },
  waiting: { ...common, phase: "waiting" },
  preparing: { ...common, phase: "preparing", ...running, until: LATE },
  starting: {
    ...common,
    phase: "starting",
    ...running,
    pid: 0,
    until: LATE,
    deadline: LATE,
    startedAt: 50_000,
    paused: false,
  },
  up: { ...common, phase: "up", ...running, startedAt: 50_000, paused: false },
  stopping: {
    ...common,
    phase: "stopping",
    want: "down",
    ...running,
    until: LATE,
    startedAt: 50_000,
    killed: false,
    again: false,
    cause: "request",
    preparing: false,
  },
  sweeping: {
    ...common,
    phase: "sweeping",
    until: LATE,
    killed: false,
    left: 1,
    finished: false,
    next: { retryAt: 70_000 },
  },
  finishing: {
    ...common,
    phase: "finishing",
    ...running,
    until: LATE,
    killed: false,
    sweeps: true,
    next: { retryAt: 70_000 },
  },
  backoff: { ...common, phase: "backoff", until: LATE },
  failed: { ...common, phase: "failed" },
  done: { ...common, phase: "done" },
};

const events: Readonly<Record<string, Event>> = {
  start: { type: "start", once: false },
  once: { type: "start", once: true },
  stop: stop(),
  "stop (dependency)": stop({ cause: "dependency" }),
  restart: { type: "restart", cause: "request" },
  pause: { type: "pause" },
  cont: { type: "cont" },
  kill: { type: "kill" },
  clear: { type: "clear" },
  spawned: { type: "spawned", child: 7, pid: 1007 },
  unspawned: { type: "unspawned", child: 7, reason: "no such file" },
  "exited 0": { type: "exited", child: 7, exit: { code: 0 } },
  "exited 1": { type: "exited", child: 7, exit: { code: 1 } },
  ready: { type: "ready" },
  "swept 0": { type: "swept", left: 0 },
  "swept 2": { type: "swept", left: 2 },
  timeout: { type: "timeout" },
};

export const phases = Object.keys(states) as readonly Phase[];

interface Cell {
  readonly phase: Phase;
  readonly becomes: Phase;
  readonly event: string;
  /** What it asks for, and what changes in the state where the phase stays. */
  readonly does: readonly string[];
}

function play(phase: Phase, event: string): Cell {
  const before = states[phase];
  const [after, effects] = step(spec, before, events[event] as Event, event === "timeout" ? LATE : NOW);
  const changed =
    after.phase === phase ? changes(before, after) : after.want === before.want ? [] : [`want = ${after.want}`];
  return { phase, event, becomes: after.phase, does: [...words(effects), ...changed] };
}

function changes(before: State, after: State): string[] {
  const was: Readonly<Record<string, unknown>> = { ...before };
  return Object.entries(after)
    .filter(([key, value]) => was[key] !== value)
    .map(([key, value]) => (typeof value === "number" && key !== "left" ? key : `${key} = ${value}`));
}

const isMove = (cell: Cell) => cell.becomes !== cell.phase || cell.does.length > 0;

/** Events down, phases across: the next phase, `*` where only something is done, `·` where nothing changes. */
export function overview(): string {
  const rows = Object.keys(events).map((event) => {
    const cells = phases.map((phase) => {
      const cell = play(phase, event);
      return cell.becomes !== phase ? cell.becomes : isMove(cell) ? "*" : "·";
    });
    return [event, ...cells];
  });
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(i === 0 ? 18 : 10))
      .join("")
      .trimEnd();
  return [line(["", ...phases]), ...rows.map(line)].join("\n");
}

const meanings: { readonly [P in Phase]: string } = {
  down: "Nothing runs and nothing is wanted.",
  waiting: "Wanted; something that it requires is not ready yet.",
  preparing: "`start-pre` runs.",
  starting: "The main process runs and is not ready yet.",
  up: "The main process runs and is ready.",
  stopping: "Asked to end; KILL when the grace is over.",
  sweeping: "The main process has ended; what it left behind is being ended: TERM, then KILL.",
  finishing: "`finish` runs, for 30 s at most.",
  backoff: "Crashed; started again when the delay is over.",
  failed: "Its last end or start was a failure, and it is not tried again.",
  done: "It has ended well and is not started again.",
};

/** The page docs/states.md. */
export function page(): string {
  const sections = phases.map((phase) => {
    const cells = Object.keys(events)
      .map((event) => play(phase, event))
      .filter(isMove);
    const rows = cells.map(
      ({ event, becomes, does }) => `| ${event} | ${becomes === phase ? "" : becomes} | ${does.join(", ")} |`,
    );
    return [`## ${phase}`, "", meanings[phase], "", "| event | becomes | does |", "| --- | --- | --- |", ...rows].join(
      "\n",
    );
  });
  return `# The states of a service

<!-- Generated from the machine by test/unit/service/states.test.ts; UPDATE_DOCS=1 npm run unit rewrites it. -->

Every event in every phase, played on a service that has all there is: \`start-pre\`, \`check\` and \`finish\`, policy
\`always\`, leftovers swept. Orders come from people and from other services, facts from the core. An event that is not
listed under a phase changes nothing there; nor does a fact about a process that is not the present one.

After the main process has ended, the way to rest is always the same: *sweeping* (its leftovers), *finishing*, *sweeping*
again (those of \`finish\`), and then what was decided when it ended. Where nothing is left, no time passes on it.

\`\`\`text
${overview()}
\`\`\`

Events stand on the left, phases above. A name is the phase that follows, \`*\` something done in the same phase, \`·\` nothing.

${sections.join("\n\n")}
`;
}
