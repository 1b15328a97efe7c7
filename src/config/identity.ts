import type { Problem } from "../base/errors.ts";
import { quoted } from "../base/words.ts";
import type { ServiceValues } from "../spec/keys.ts";
import type { Identity } from "../spec/spec.ts";
import type { Defaults, Own } from "./settings.ts";

/** Whom a service runs as, and what its environment says of that; `fault` is why it cannot. */
export interface Resolved {
  readonly identity: Identity | null;
  readonly env: Readonly<Record<string, string | null>>;
  readonly fault: Problem | null;
}

const asWeAre: Resolved = Object.freeze({ identity: null, env: Object.freeze({}), fault: null });

type Wish = Pick<ServiceValues, "user" | "group" | "groups">;

/** Resolves `user`, `group` and `groups`; our own identity asked for by name is no change, so that it needs no right. */
export function resolveIdentity(
  wish: Wish,
  source: Readonly<Record<string, string>>,
  home: string,
  { own, accounts }: Defaults,
): Resolved {
  const { user, group, groups } = wish;
  if (user === null && group === null && groups === null) return asWeAre;
  const key = user !== null ? "user" : group !== null ? "group" : "groups";
  const where = source[key] ?? home;
  const refuse = (text: string): Resolved => ({ ...asWeAre, fault: { severity: "error", where, text } });
  const found =
    user !== null
      ? accounts.identity(user, group, groups)
      : accounts.identity(String(own.uid), group ?? String(own.gid), groups ?? own.groups.map(String));
  if (!found.ok) return refuse(`cannot use ${key} ${quoted(user ?? group ?? groups?.join(" ") ?? "")}: ${found.why}`);
  const identity = found.value;
  const env = user === null ? asWeAre.env : accountVariables(identity);
  const sameIds = identity.uid === own.uid && identity.gid === own.gid;
  if (sameIds && (groups === null || sameSet(identity.groups, own.groups))) return { identity: null, env, fault: null };
  if (own.uid !== 0) return refuse(notPermitted(identity, own, user, key));
  return { identity, env, fault: null };
}

/** `UID` and `GID` of the account that `env-user` names; nothing where it names none. */
export function accountNumbers(
  account: string | null,
  source: Readonly<Record<string, string>>,
  home: string,
  { accounts }: Defaults,
): Pick<Resolved, "env" | "fault"> {
  if (account === null) return asWeAre;
  const found = accounts.identity(account, null, []);
  if (found.ok) return { env: { UID: String(found.value.uid), GID: String(found.value.gid) }, fault: null };
  const text = `cannot use env-user ${quoted(account)}: ${found.why}`;
  return { env: asWeAre.env, fault: { severity: "error", where: source["env-user"] ?? home, text } };
}

/** Where the number has no entry there is nothing true to say; root's home would be a lie. */
function accountVariables({ name, home, shell }: Identity): Readonly<Record<string, string | null>> {
  return { HOME: home, USER: name, LOGNAME: name, SHELL: shell };
}

function notPermitted(identity: Identity, own: Own, user: string | null, key: string): string {
  const may = "; run upkeep as root, or leave the key out";
  if (identity.uid !== own.uid) return `cannot run as ${user}: upkeep itself runs as uid ${own.uid}${may}`;
  if (identity.gid !== own.gid) {
    return `cannot run with gid ${identity.gid}: upkeep itself runs as uid ${own.uid}, gid ${own.gid}${may}`;
  }
  return `cannot change ${key}: upkeep itself runs as uid ${own.uid}${may}`;
}

function sameSet(a: readonly number[], b: readonly number[]): boolean {
  const both = new Set([...a, ...b]);
  return both.size === new Set(a).size && both.size === new Set(b).size;
}
