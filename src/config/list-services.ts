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
  readonly problems: readonly Problem[];
}

/** Lists directories and links to such; names with a leading dot and plain files are passed over. */
export function listServices(scanDir: string): Listing {
  let entries: Dirent<Buffer>[];
  try {
    entries = readdirSync(scanDir, { encoding: "buffer", withFileTypes: true });
  } catch (error) {
    const text = `cannot read the scan directory: ${clause(error)}`;
    return { names: null, links: new Set(), problems: [{ severity: "error", where: scanDir, text }] };
  }
  const names: string[] = [];
  const links = new Set<string>();
  const problems: Problem[] = [];
  for (const entry of entries) {
    if (entry.name[0] === 0x2e) continue;
    const where = `${scanDir}/${escapedBytes(entry.name)}`;
    const isLink = !entry.isDirectory();
    const link = isLink ? linkFault(scanDir, entry) : null;
    if (link === "plain") continue;
    const name = entry.name.toString("utf8");
    const fault = isUtf8(entry.name) ? nameFault(name) : "it is not UTF-8";
    if (fault !== null)
      problems.push({ severity: "error", where, text: `cannot use this name for a service: ${fault}` });
    else if (link === null) {
      names.push(name);
      if (isLink) links.add(name);
    } else problems.push({ severity: "warning", where, text: `cannot follow this link: ${link}` });
  }
  return { names: names.sort(), links, problems };
}

/** Null for a directory behind a link, "plain" for what is no directory, or why that cannot be found out. */
function linkFault(scanDir: string, entry: Dirent<Buffer>): string | null {
  if (entry.isFile()) return "plain";
  try {
    return statSync(Buffer.concat([Buffer.from(`${scanDir}/`), entry.name])).isDirectory() ? null : "plain";
  } catch (error) {
    return entry.isSymbolicLink() ? clause(error) : "plain";
  }
}
