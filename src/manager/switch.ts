// Another set of services in place of the one that runs, by Debian's links: `current` leads to the set, `previous` to the
// one before. What the exchange means for each service is told before; the scan makes it so.
import { lstatSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Ms } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { checkSet } from "../config/check-set.ts";
import { type Listing, listServices } from "../config/list-services.ts";
import { loadService } from "../config/load.ts";
import { clause } from "../config/read-file.ts";
import type { Defaults } from "../config/settings.ts";
import type { ServiceSpec } from "../spec/spec.ts";
import { identityOf } from "./footprint.ts";
import type { Manager } from "./manager.ts";
import type { Reach } from "./reach.ts";
import type { Scan } from "./scan.ts";
import { lastLink, realPath } from "./way.ts";

export type SwitchChange = "stops" | "starts" | "restarts" | "stays" | "stays down";

/** What a switch would do. */
export interface SwitchPlan {
  /** As the links have it. */
  readonly from: string;
  readonly to: string;
  /** True if it leads there already. */
  readonly isCurrent: boolean;
  /** By name; `restarts` is another directory by the same name. */
  readonly services: readonly { readonly service: string; readonly change: SwitchChange }[];
  readonly problems: readonly Problem[];
}

/** Sentences are ends of "cannot switch: ". */
export interface Switching {
  /** What a switch to this directory means; or why there is none. */
  plan(name: string): Promise<SwitchPlan | { readonly refused: string }>;
  /** Exchanges the links; null, or why that cannot be. Until `settled`, nobody else may. */
  go(name: string): Promise<string | null>;
  /** Puts the links back as they were before `go`; null, or why that cannot be. */
  back(): Promise<string | null>;
  settled(): void;
}

export interface SwitchingParts {
  readonly reach: Reach;
  readonly scanDir: string;
  readonly scan: Scan;
  readonly manager: Manager;
  readonly defaults: () => Defaults;
  readonly stopBudget: () => Ms;
  readonly say: (text: string) => void;
}

const LINK = "current";
const PREVIOUS = "previous";

interface Links {
  /** The directory that they are in. */
  readonly dir: string;
  readonly current: string;
  readonly previous: string | null;
}

/** The switches of one supervisor. */
export function createSwitching(parts: SwitchingParts): Switching {
  const { scanDir, scan, reach } = parts;
  let before: Links | null = null;
  let isUnderWay = false;
  const answers = answersOf(reach);
  /** The way is asked first; what does not answer may still be led away from. */
  const links = async (): Promise<Links | null> => {
    await answers(scanDir);
    return linksTo(scanDir, reach.isSureAt);
  };

  const exchange = (work: () => void): string | null => {
    try {
      work();
    } catch (error) {
      return clause(error);
    }
    scan.rescan();
    return null;
  };
  const go = async (name: string): Promise<string | null> => {
    const now = await links();
    if (parts.manager.isStopping()) return "everything is being stopped";
    if (now === null) return `there is no link named ${LINK} any more`;
    const refused = exchange(() => {
      put(now.dir, LINK, name);
      put(now.dir, PREVIOUS, now.current);
    });
    if (refused === null) {
      before = now;
      parts.say(`switched from ${now.current} to ${name}`);
    } else exchange(() => put(now.dir, LINK, now.current));
    return refused;
  };
  return {
    async plan(name) {
      const now = await links();
      if (now === null)
        return { refused: `${scanDir} is not reached over a link named ${LINK}; docs/runsvdir.md tells the layout` };
      if (name === "" || name.startsWith("."))
        return { refused: `${name || "an empty name"} must not start with a dot` };
      // The link by that name is about to lead to where we come from.
      const isBack = resolve(now.dir, name) === join(now.dir, PREVIOUS);
      const to = isBack ? (now.previous ?? name) : name;
      const dir = resolve(now.dir, to);
      const fault = (await answers(dir)) ? faultOf(dir) : "it does not answer";
      if (fault !== null) return { refused: `${dir}: ${fault}` };
      return {
        from: now.current,
        to,
        isCurrent: reach.isSure(scanDir) && identityOf(dir) === identityOf(scanDir),
        ...(await compare(dir, parts)),
      };
    },
    async go(name) {
      if (isUnderWay) return "another switch is under way";
      isUnderWay = true;
      const refused = await go(name);
      isUnderWay = refused === null;
      return refused;
    },
    async back() {
      const links = before;
      if (links === null) return null;
      if (!(await answers(links.dir))) return `${links.dir} does not answer`;
      const refused = exchange(() => {
        put(links.dir, LINK, links.current);
        if (links.previous === null) rmSync(join(links.dir, PREVIOUS), { force: true });
        else put(links.dir, PREVIOUS, links.previous);
      });
      if (refused === null) parts.say(`went back to ${links.current}`);
      return refused;
    },
    settled() {
      before = null;
      isUnderWay = false;
    },
  };
}

type Answers = (path: string) => Promise<boolean>;

const answersOf =
  (reach: Reach): Answers =>
  (path) =>
    new Promise((resolve) => reach.ask(path, resolve));

/** The list of a directory that answers; what is in it and does not is silent. */
async function listed(dir: string, answers: Answers, reach: Reach): Promise<Listing> {
  const first = listServices(dir, (name) => reach.isSure(join(dir, name)));
  const silent = new Set<string>();
  for (const name of first.silent) if (!(await answers(join(dir, name)))) silent.add(name);
  return first.silent.size === 0 ? first : listServices(dir, (name) => !silent.has(name));
}

async function compare(
  dir: string,
  { manager, defaults, stopBudget, reach }: SwitchingParts,
): Promise<Pick<SwitchPlan, "services" | "problems">> {
  const answers = answersOf(reach);
  const { names, silent, problems: found } = await listed(dir, answers, reach);
  const problems: Problem[] = [...found];
  const specs = new Map<string, ServiceSpec>();
  const changes = new Map<string, SwitchChange>();
  const isSame = async (home: string, other: string) =>
    home === other || ((await answers(other)) && identityOf(home) === identityOf(other));
  for (const runner of manager.roster.fromDirectories()) changes.set(runner.name, "stops");
  for (const [index, name] of (names ?? []).entries()) {
    const runner = manager.roster.get(name);
    if (silent.has(name)) {
      const text = `it does not answer; ${runner === undefined ? "it starts once it does" : "what runs by this name stays as it is until then"}`;
      problems.push({ severity: "warning", service: name, where: join(dir, name), text });
      if (runner !== undefined) changes.set(name, "stays");
      continue;
    }
    const home = realPath(join(dir, name));
    const loaded = loadService(home, name, defaults());
    problems.push(...loaded.problems);
    if (loaded.incomplete !== null)
      problems.push({ severity: "error", service: name, where: home, text: loaded.incomplete });
    const { spec } = loaded;
    if (spec !== null) specs.set(name, spec);
    if (runner?.spec.fixed) {
      const text = `cannot use this directory: ${name} is the name of a program that no directory defines; rename it`;
      problems.push({ severity: "error", service: name, where: home, text });
      continue;
    }
    const isDown = spec === null || spec.down || manager.isLetGo(name);
    if (runner === undefined && spec === null) continue;
    if (runner === undefined) changes.set(name, isDown ? "stays down" : "starts");
    else if (await isSame(home, runner.spec.home)) changes.set(name, "stays");
    else changes.set(name, isDown ? "stops" : "restarts");
    if (index % 20 === 19) await new Promise((next) => setImmediate(next));
  }
  problems.push(...checkSet(specs, stopBudget(), new Set()));
  const services = [...changes].map(([service, change]) => ({ service, change }));
  return { services: services.sort((a, b) => (a.service < b.service ? -1 : 1)), problems };
}

function linksTo(scanDir: string, mayTouch: (path: string) => boolean): Links | null {
  const link = lastLink(scanDir, mayTouch);
  if (link === null || link.name !== LINK) return null;
  return { dir: link.dir, current: link.target, previous: targetOf(join(link.dir, PREVIOUS)) };
}

/** Makes a link in the place of another one; at no moment is there none. */
function put(dir: string, name: string, target: string): void {
  const fresh = join(dir, `${name}.new`);
  rmSync(fresh, { force: true });
  symlinkSync(target, fresh);
  renameSync(fresh, join(dir, name));
}

function targetOf(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    return null; // ENOENT: there was no switch before
  }
}

function faultOf(dir: string): string | null {
  try {
    return statSync(dir).isDirectory() ? null : "it is no directory";
  } catch (error) {
    return clause(error);
  }
}
