// docs/cli.md and the native client's word list come from the verb table. UPDATE_DOCS=1 writes the page anew.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ExitName, exitCodes, exitMeanings } from "../../../src/cli/exit-codes.ts";
import { optionText, verbHelp, waitText } from "../../../src/cli/help.ts";
import { sayings } from "../../../src/cli/near.ts";
import { codesOf, findVerb, options, type Verb, verbs } from "../../../src/cli/verbs.ts";

const root = join(import.meta.dirname, "../../..");
const page = join(root, "docs/cli.md");
const rows: readonly Verb[] = verbs;

function manual(): string {
  const codes = (Object.keys(exitCodes) as ExitName[]).map((name) => `| ${exitCodes[name]} | ${exitMeanings[name]} |`);
  return `# The commands

<!-- Generated from src/cli/verbs.ts by test/unit/cli/manual.test.ts: change it there, then UPDATE_DOCS=1 npm run unit. -->

\`upkeep COMMAND\` talks to the supervisor that runs: it sends its words to the [control socket](control-protocol.md),
prints what comes back and leaves with the code that comes back.

The socket is \`$UPKEEP_SOCKET\`; without it, \`control\` in \`$UPKEEP_RUNTIME_DIR\`; without that too, in the first of
these directories where a supervisor answers: \`/run/upkeep\`, \`$XDG_RUNTIME_DIR/upkeep\`, \`/tmp/upkeep-UID\`, \`/dev/shm/upkeep-UID\`, where UID
is the caller's own, then that of PID 1. A directory or a server that belongs to neither root, nor the caller, nor the
user of PID 1 is refused; \`$UPKEEP_SOCKET\` is believed.

## Names

A service is named by its name (\`web\`), its logger as \`web/log\`; by a pattern with \`*\`, \`?\` and \`[a-z]\` (quote it:
\`"web*"\`); by a path into the scan directory (\`/etc/service/web\`, \`./web\`); \`all\` is every service. If one of the names
is unknown, nothing is done to the others.

## Commands

| command | does |
| --- | --- |
${verbs.map(({ name, usage, summary }) => `| [\`${`${name} ${usage}`.trim()}\`](#${name}) | ${summary} |`).join("\n")}

Options may stand before, between and after names; \`--\` ends them. \`-h\` explains a command. Seconds may have a unit
(\`500ms\`, \`2m\`); \`forever\` has no end. With \`-o json\`, lists are JSON lists and fields are only ever added.

${verbs.map(section).join("\n")}
## Exit codes

| code | meaning |
| --- | --- |
${codes.join("\n")}

Of several services the worst is told: 1 before 2 before 3. A command whose output nobody reads any more ends as one
that SIGPIPE has ended; one whose output cannot be written, on a full disk for instance, or that loses
its manager, says so and ends with 1.
`;
}

function section(verb: Verb): string {
  const { name, usage, summary, aliases, options: own } = verb;
  const rows = own.map((one) => `- \`${optionText(one)}\`: ${options[one].summary}\n`).join("");
  const also = aliases.length === 0 ? "" : ` The same: ${aliases.map((one) => `\`${one}\``).join(", ")}.`;
  const waits = waitText(verb);
  const left = codesOf(verb).map((one) => exitCodes[one]);
  const text = `${summary[0]?.toUpperCase()}${summary.slice(1)}.${waits && ` ${waits}`}${also} Leaves with ${left.join(", ")}.`;
  return `### ${name}\n\n\`upkeep ${`${name} ${usage}`.trim()}\`\n\n${text}\n${rows === "" ? "" : `\n${rows}`}`;
}

test("docs/cli.md is what the verb table says", () => {
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(page, manual());
  expect(readFileSync(page, "utf8")).toBe(manual());
});

test("the native client knows exactly the commands for a supervisor", () => {
  const source = readFileSync(join(root, "src/core/client.c"), "utf8");
  const known = [...source.matchAll(/\{"([a-z]+)", (?:NEVER|IF_NOTHING_CAME|ALWAYS), \w+\}/g)].map(([, name]) => name);
  const wanted = verbs.filter(({ offline, name }) => !offline || name === "version");
  expect(known.toSorted()).toEqual(wanted.flatMap(({ name, aliases }) => [name, ...aliases]).toSorted());
});

test("the native client knows the same words for commands from elsewhere, and none that is a command here", () => {
  const source = readFileSync(join(root, "src/core/client.c"), "utf8");
  const known = [...source.matchAll(/\{"([a-z]+)", "([a-z]+)"\},/g)].map(([, said, meant]) => [said, meant]);
  expect(known).toEqual(Object.entries(sayings));
  expect(Object.keys(sayings).filter((word) => findVerb(word) !== null)).toEqual([]);
});

test("no two commands share a word", () => {
  const words = verbs.flatMap(({ name, aliases }) => [name, ...aliases]);
  expect(new Set(words).size).toBe(words.length);
});

test("the help of a command says what its section says: how long it waits, and each code with what it means there", () => {
  for (const verb of rows) {
    const help = verbHelp(verb);
    expect(help).toContain(waitText(verb));
    const told = [...help.matchAll(/^ +(\d+) +\S/gm)].map(([, code]) => Number(code));
    expect(told).toEqual(codesOf(verb).map((one) => exitCodes[one]));
    expect(help.includes("--dry-run"), verb.name).toBe((verb.options as readonly string[]).includes("dry-run"));
  }
});
