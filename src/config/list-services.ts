import { isUtf8 } from "node:buffer";
import { type Dirent, readdirSync, statSync } from "node:fs";
import type { Problem } from "../base/errors.ts";
import { escapedBytes } from "../base/words.ts";
import { nameFault } from "../spec/kinds.ts";
import { clause } from "./read-file.ts";

/** Names of the service directories in a scan directory, sorted; and what looks like one but cannot be. */
export interface Listing {
  /** Null if the scan directory itself cannot be read: then nothing is known, least of all that all have gone. */
  readonly names: readonly string[] | null;
  /** Those of them that are not directories themselves, but links to such. */
  readonly links: ReadonlySet<string>;
  /** Those of them that may not be gone to now: directories, or links of which nothing more is known. */
  readonly silent: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

const always = () => true;

/**
 * Lists directories and links to such; names with a leading dot and plain files are passed over. `answers` is asked
 * before a link is followed, and of each directory.
 */
export function listServices(scanDir: string, answers: (name: string, isLink: boolean) => boolean = always): Listing {
  let entries: Dirent<Buffer>[];
  try {
    entries = readdirSync(scanDir, { encoding: "buffer", withFileTypes: true });
  } catch (error) {
    const text = `cannot read the scan directory: ${clause(error)}`;
    const none = { links: new Set<string>(), silent: new Set<string>() };
    return { names: null, ...none, problems: [{ severity: "error", where: scanDir, text }] };
  }
  const names: string[] = [];
  const links = new Set<string>();
  const silent = new Set<string>();
  const problems: Problem[] = [];
  for (const entry of entries) {
    if (entry.name[0] === 0x2e) continue;
    const where = `${scanDir}/${escapedBytes(entry.name)}`;
    const isLink = !entry.isDirectory();
    if (entry.isFile()) continue;
    const name = entry.name.toString("utf8");
    const isSilent = !answers(name, isLink);
    const link = isLink && !isSilent ? linkFault(scanDir, entry) : null;
    if (link === "plain") continue;
    const fault = isUtf8(entry.name) ? nameFault(name) : "it is not UTF-8";
    if (fault !== null)
      problems.push({ severity: "error", where, text: `cannot use this name for a service: ${fault}` });
    else if (link === null) {
      names.push(name);
      if (isLink) links.add(name);
      if (isSilent) silent.add(name);
    } else problems.push({ severity: "warning", where, text: `cannot follow this link: ${link}` });
  }
  return { names: names.sort(), links, silent, problems };
}

/** Null for a directory behind a link, "plain" for what is no directory, or why that cannot be found out. */
function linkFault(scanDir: string, entry: Dirent<Buffer>): string | null {
  try {
    return statSync(Buffer.concat([Buffer.from(`${scanDir}/`), entry.name])).isDirectory() ? null : "plain";
  } catch (error) {
    return entry.isSymbolicLink() ? clause(error) : "plain";
  }
}
