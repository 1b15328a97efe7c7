// The rules of the house that a compiler does not know: who may import whom, and who may touch the process.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const src = join(import.meta.dirname, "../../src");
const floors: Readonly<Record<string, number>> = {
  base: 0,
  channel: 1,
  spec: 1,
  process: 2,
  service: 2,
  config: 2,
  log: 3,
  manager: 4,
  cli: 5,
  control: 5,
  main: 6,
  "main.ts": 7,
  "boot.ts": 7,
};
/** The one step along a floor: a command's words are carried by the control socket. */
const beside = ["cli", "control"] as const;
const forbidden: readonly (readonly [importer: string, imported: string])[] = [
  ["service", "process"],
  ["process", "service"],
  ["cli", "manager"],
];

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const text = new Map(files.map((file) => [file, readFileSync(join(src, file), "utf8")]));
const code = new Map([...text].map(([file, source]) => [file, withoutComments(source)]));
const imports = new Map([...code].map(([file, source]) => [file, importsOf(file, source)]));

/** The folder of a file, or its own name where it lies in src itself. */
function room(file: string): string {
  return file.split("/")[0] ?? file;
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
}

/** The files that this one imports, re-exports or loads late, types included. */
function importsOf(file: string, source: string): string[] {
  const found = source.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.[^"']+)["']/g);
  return [...found].map((match) => relative(src, join(src, dirname(file), match[1] ?? "")));
}

function breaches(isBreach: (file: string, imported: string) => boolean): string[] {
  return [...imports].flatMap(([file, list]) =>
    list.filter((imported) => isBreach(file, imported)).map((imported) => `${file} imports ${imported}`),
  );
}

function filesWith(pattern: RegExp, except: readonly string[] = []): string[] {
  return [...code].filter(([file, source]) => !except.includes(file) && pattern.test(source)).map(([file]) => file);
}

test("the rules are checked against files that are there", () => {
  expect(files.length).toBeGreaterThan(5);
  expect([...imports.values()].flat().length).toBeGreaterThan(5);
});

test("every file lives on a known floor", () => {
  expect(files.filter((file) => floors[room(file)] === undefined)).toEqual([]);
});

test("every import names a file that is there", () => {
  expect(breaches((_, imported) => !existsSync(join(src, imported)))).toEqual([]);
});

test("a file imports from its own folder or from a lower floor; only cli looks across, at control", () => {
  const floor = (file: string) => floors[room(file)] ?? Number.NaN;
  const mayAcross = (file: string, imported: string) => room(file) === beside[0] && room(imported) === beside[1];
  const isBreach = (file: string, imported: string) =>
    room(file) !== room(imported) && !mayAcross(file, imported) && !(floor(imported) < floor(file));
  expect(breaches(isBreach)).toEqual([]);
});

test.each(forbidden)("%s never imports %s", (importer, imported) => {
  expect(breaches((file, target) => room(file) === importer && room(target) === imported)).toEqual([]);
});

test("no file imports itself, by whichever way round", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(" → "));
    if (start >= 0 || done.has(file)) return;
    for (const imported of imports.get(file) ?? []) walk(imported, [...path, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  expect(cycles).toEqual([]);
});

test("only main.ts reads the arguments and the environment, or exits", () => {
  expect(filesWith(/\bprocess\s*\??\.\s*(argv|env|exit|exitCode|abort|reallyExit)\b/, ["main.ts"])).toEqual([]);
  expect(filesWith(/import\s*\{[^}]*\b(argv|env|exit|abort)\b[^}]*\}\s*from\s*["']node:process["']/)).toEqual([]);
});

test("no file touches the standard streams: one touch would make a service's pipe non-blocking", () => {
  expect(filesWith(/\bprocess\s*\??\.\s*(stdout|stderr|stdin)\b|\bconsole\b\s*[.[]|["'](node:)?console["']/)).toEqual(
    [],
  );
});

test("a file holds one idea, in at most 250 lines", () => {
  const long = [...text].filter(([, source]) => source.trimEnd().split("\n").length > 250);
  expect(long.map(([file]) => file)).toEqual([]);
});
