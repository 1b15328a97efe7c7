// Medians, ratios and the table.

/** Every figure, in the order of the table. The letter is the row that `--only` names. */
export const measures = {
  a: { title: "exec of the supervisor to the first service running", unit: "ms" },
  b: { title: "exec to the last of 1,000 services", unit: "ms" },
  c: { title: "kill -9 of a service (up > 2 s) to the new one running", unit: "ms" },
  d: { title: "TERM to the supervisor's exit, 1,000 services", unit: "ms" },
  e1: { title: "20,000 orphans in a stream: last one dead to last one reaped", unit: "ms" },
  e1w: { title: "20,000 orphans in a stream: most waiting at a time", unit: "count" },
  e2: { title: "5,000 orphans at once: last one dead to last one reaped", unit: "ms" },
  e2w: { title: "5,000 orphans at once: most waiting at a time", unit: "count" },
  f: { title: "status of one service, as a command", unit: "ms" },
  g1: { title: "PSS of the supervisor's processes, 1 service", unit: "MB" },
  g1p: { title: "private memory, 1 service", unit: "MB" },
  g1n: { title: "processes of the supervisor, 1 service", unit: "count" },
  g100: { title: "PSS of the supervisor's processes, 100 services", unit: "MB" },
  g100p: { title: "private memory, 100 services", unit: "MB" },
  g100n: { title: "processes of the supervisor, 100 services", unit: "count" },
  g1000: { title: "PSS of the supervisor's processes, 1,000 services", unit: "MB" },
  g1000p: { title: "private memory, 1,000 services", unit: "MB" },
  g1000n: { title: "processes of the supervisor, 1,000 services", unit: "count" },
  h: { title: "the command true under an init or behind a chain loader, from fork to its end", unit: "ms" },
  i: { title: "a signal sent to the init until its command has it", unit: "µs" },
  j: { title: "the program file", unit: "KB" },
  k1: { title: "sv status of one service", unit: "ms" },
  k1000: { title: "sv status of 1,000 services", unit: "ms" },
  l: { title: "PSS of the supervisor's processes, 1,000 services with a log file each, after 1.2 s", unit: "MB" },
  lr: { title: "the same, after 10 s", unit: "MB" },
  ln: { title: "processes of the supervisor, 1,000 services with a log file each", unit: "count" },
};

/**
 * `samples[measure][subject][round]` (lists of numbers and sentences) to figures: the median over all samples, the range,
 * and the median over rounds of the ratio to bare in the same round. `notes[subject][measure]` is said beside a figure.
 */
export function summarise(samples, notes) {
  const rows = {};
  for (const [key, { title, unit }] of Object.entries(measures)) {
    const bySubject = samples[key];
    if (bySubject === undefined) continue;
    const subjects = Object.entries(bySubject).map(([name, rounds]) => [
      name,
      {
        ...figures(rounds, bySubject["bare"]),
        ...(notes[name]?.[key] !== undefined && { note: notes[name][key] }),
      },
    ]);
    rows[key] = { title, unit, subjects: Object.fromEntries(subjects) };
  }
  return rows;
}

/** The table for people. */
export function table(rows) {
  return Object.values(rows)
    .map(({ title, unit, subjects }) => {
      const cells = unit === "count" ? countCells : timeCells;
      const lines = Object.entries(subjects).map(([name, figure]) => `  ${name.padEnd(12)} ${cells(figure)}`);
      return [`${title}${unit === "count" ? "" : ` (${unit})`}`, ...lines].join("\n");
    })
    .join("\n\n");
}

function figures(rounds, bareRounds) {
  const all = rounds.flat();
  const numbers = all.filter(Number.isFinite);
  const failure = all.find((value) => typeof value === "string");
  const ratios = rounds.flatMap((values, round) => {
    const mine = median(values.filter(Number.isFinite));
    const bare = median((bareRounds?.[round] ?? []).filter(Number.isFinite));
    return mine === undefined || !bare ? [] : [mine / bare];
  });
  return {
    median: median(numbers) ?? null,
    min: numbers.length > 0 ? Math.min(...numbers) : null,
    max: numbers.length > 0 ? Math.max(...numbers) : null,
    ratio: median(ratios) ?? null,
    samples: numbers.length,
    failures: all.length - numbers.length,
    ...(failure !== undefined && { failure }),
  };
}

function timeCells({ median: middle, min, max, ratio, samples, failures, failure, note }) {
  const notes = [failures > 0 && middle !== null && `${failures} times: ${failure}`, note].filter(Boolean);
  const tail = notes.map((text) => `   (${text})`).join("");
  if (middle === null) return `          ${failure}${tail}`;
  const times = ratio === null ? "" : `${short(ratio)} x`;
  return `${short(middle).padStart(9)} ${times.padStart(10)}   ${short(min)} to ${short(max)}, n = ${samples}${tail}`;
}

const countCells = ({ median: middle, min, max }) =>
  `${`${middle}`.padStart(9)}${min === max ? "" : `   ${min} to ${max}`}`;

const short = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

function median(values) {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
