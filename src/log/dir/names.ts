// The files of a log directory by their names, `@TAI64N.s` and its kind. Pure.
import { type Micros, tai64n } from "./stamp.ts";

/** `s` is complete (and processed), `u` is not processed or was found unclean, `t` is a processor's unfinished output. */
export type Kind = "s" | "u" | "t";

const LENGTH = 27;

/** The name of a file that is rotated at this time. */
export const oldName = (time: Micros, kind: Kind): string => `${tai64n(time)}.${kind}`;

/** The same file's name when it has become another kind. */
export const asKind = (name: string, kind: Kind): string => `${name.slice(0, LENGTH - 1)}${kind}`;

/** svlogd goes by the `@` and the length alone, and so did whoever wrote what lies there. */
const isOld = (name: string): boolean => name.startsWith("@") && Buffer.byteLength(name) === LENGTH;

/** What is to be deleted after a rotation: what processors left, and the oldest file if there are more than `keep`. */
export function surplus(
  names: readonly string[],
  keep: number,
  pending: string | null,
): { readonly leftovers: readonly string[]; readonly oldest: string | null } {
  const old = names.filter(isOld);
  const leftovers = old.filter((name) => name.endsWith("t"));
  const files = old.filter((name) => !name.endsWith("t"));
  // Should the clock have been set back, the one that is just being processed would be the oldest.
  const oldest = keep > 0 && files.length > keep ? least(files.filter((name) => name !== pending)) : null;
  return { leftovers, oldest };
}

/** What is to be deleted on a full disk: the oldest, while there are more than `atLeast` and that is less than `keep`. */
export function sacrifice(names: readonly string[], atLeast: number, keep: number): string | null {
  const old = names.filter(isOld);
  return atLeast < keep && old.length > atLeast ? least(old) : null;
}

function least(names: readonly string[]): string | null {
  return names.reduce<string | null>((first, name) => (first === null || name < first ? name : first), null);
}
