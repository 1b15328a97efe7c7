// Names of users and groups to numbers, from the files alone: a static core and a container without NSS see nothing else.
import { statSync } from "node:fs";
import { didYouMean } from "../base/near.ts";
import { bad, good, type Parsed } from "../base/units.ts";
import { quoted } from "../base/words.ts";
import type { Identity } from "../spec/spec.ts";
import { readWhole } from "./read-file.ts";

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The accounts of this system; files are read when they are first needed and again when they have changed. */
export interface Accounts {
  /**
   * An identity from `user` or `user:group`, names or numbers. `group` replaces the primary group, `groups` those of
   * /etc/group. A number without an entry has the group of the same number and neither name, home nor shell.
   */
  identity(user: string, group: string | null, groups: readonly string[] | null): Parsed<Identity>;
  /** The number of a group. */
  group(group: string): Parsed<number>;
}

const FILE_MOST = 4 << 20;
// (uid_t)-1 means "leave it" to every system call that takes one.
const HIGHEST_ID = 0xfffffffe;

/** Accounts by the given files. */
export function accountsFrom(passwdFile: string, groupFile: string): Accounts {
  const users = cachedLines(passwdFile, parseUser);
  const allGroups = cachedLines(groupFile, parseGroup);

  function group(text: string): Parsed<number> {
    const entries = allGroups();
    const entry = entries.find((each) => each.name === text);
    const number = entry?.gid ?? idOf(text);
    if (number !== null) return good(number);
    const near = didYouMean(
      text,
      entries.map((each) => each.name),
    );
    return bad(`there is no group ${quoted(text)} in ${groupFile}${near}`);
  }

  function identity(text: string, groupName: string | null, groupNames: readonly string[] | null): Parsed<Identity> {
    const [userName = "", ownGroup = null] = text.split(/:(.*)/s, 2);
    const entries = users();
    const id = idOf(userName);
    const user = entries.find((each) => each.name === userName) ?? entries.find((each) => each.uid === id);
    const uid = user?.uid ?? id;
    if (uid === null) {
      const near = didYouMean(
        userName,
        entries.map((each) => each.name),
      );
      return bad(`there is no user ${quoted(userName)} in ${passwdFile}${near}`);
    }
    const wanted = groupName ?? ownGroup;
    const primary = wanted === null ? good(user?.gid ?? uid) : group(wanted);
    if (!primary.ok) return primary;
    const groups = new Set([primary.value]);
    if (groupNames === null) {
      for (const each of user === undefined ? [] : allGroups())
        if (each.members.includes(user?.name ?? "")) groups.add(each.gid);
    } else {
      for (const name of groupNames) {
        const gid = group(name);
        if (!gid.ok) return gid;
        groups.add(gid.value);
      }
    }
    return good({
      uid,
      gid: primary.value,
      groups: [...groups],
      name: user?.name ?? null,
      home: user?.home ?? null,
      shell: user?.shell ?? null,
    });
  }

  return { identity, group };
}

/** Those of /etc/passwd and /etc/group. */
export const systemAccounts: Accounts = accountsFrom("/etc/passwd", "/etc/group");

function idOf(text: string): number | null {
  return /^\d{1,10}$/.test(text) && Number(text) <= HIGHEST_ID ? Number(text) : null;
}

function parseUser(fields: readonly string[]): User | null {
  const [name = "", , uid = "", gid = "", , home = "", shell = ""] = fields;
  const numbers = { uid: idOf(uid), gid: idOf(gid) };
  if (name === "" || numbers.uid === null || numbers.gid === null) return null;
  // An empty shell field is /bin/sh, an empty home the root directory (passwd(5), login(1)).
  return { name, uid: numbers.uid, gid: numbers.gid, home: home || "/", shell: shell || "/bin/sh" };
}

function parseGroup(fields: readonly string[]): Group | null {
  const [name = "", , text = "", members = ""] = fields;
  const gid = idOf(text);
  return name === "" || gid === null
    ? null
    : { name, gid, members: members.split(",").filter((member) => member !== "") };
}

/** The entries of a file, read again once its time, size or inode differ; a file that cannot be read has none. */
function cachedLines<T>(path: string, parse: (fields: readonly string[]) => T | null): () => readonly T[] {
  let stamp = "";
  let entries: readonly T[] = [];
  return () => {
    const now = stampOf(path);
    if (now === stamp) return entries;
    const file = now === "" ? null : readWhole(path, FILE_MOST);
    const lines = file?.ok ? file.bytes.toString("utf8").split("\n") : [];
    entries = lines.map((line) => parse(line.split(":"))).filter((entry) => entry !== null);
    stamp = now;
    return entries;
  };
}

function stampOf(path: string): string {
  try {
    const stat = statSync(path);
    return `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
  } catch {
    return ""; // ENOENT or EACCES: nobody is in a file that cannot be read
  }
}
