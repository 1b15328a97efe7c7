// Looking at paths on local file systems only, over directories of the imagination.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { whereabouts } from "../../../src/process/whereabouts.ts";

/** All is local but what is below /nfs and /srv/mounted; to look there, even at what is mounted there, never returns. */
const isFar = (path: string) => /^(\/nfs|\/srv\/mounted)(\/|$)/.test(path);
const entries: Readonly<Record<string, string | true>> = {
  "/srv": true,
  "/srv/web": true,
  "/srv/web/supervise": true,
  "/srv/away": true,
  "/srv/away/supervise": "/nfs/away",
  "/srv/near": true,
  "/srv/near/supervise": "../made/./near",
  "/srv/made": true,
  "/srv/made/near": true,
  "/srv/dangling": true,
  "/srv/dangling/supervise": "/srv/made/nothing/x",
  "/srv/round": true,
  "/srv/round/supervise": "supervise",
  "/srv/through": true,
  "/srv/through/supervise": "../link/supervise",
  "/srv/link": "/srv/mounted",
  "/srv/top": true,
  "/srv/top/supervise": "../../../../srv/made/near",
  "/run": "/srv/made",
  "/svc": "/nfs/svc",
};
const find = (path: string, names: number) =>
  whereabouts(
    path,
    names,
    (at) => !isFar(at),
    (at) => {
      if (isFar(at)) throw new Error(`asked for ${at}`);
      return entries[at] ?? null;
    },
  );

test.each([
  ["/srv/web/supervise", 1, "there"],
  ["/srv/web/nothing", 1, "absent"],
  ["/srv/mounted/supervise", 1, "far"],
  ["/srv/mounted", 1, "far"],
  ["/nfs/web/supervise", 1, "far"],
  ["/srv/away/supervise", 1, "far"],
  ["/srv/near/supervise", 1, "there"],
  ["/srv/dangling/supervise", 1, "absent"],
  ["/srv/round/supervise", 1, "absent"],
  ["/srv/through/supervise", 1, "far"],
  ["/srv/top/supervise", 1, "there"],
  ["/srv/link/supervise", 2, "far"],
  ["/run/near", Number.POSITIVE_INFINITY, "there"],
  ["/svc/web/supervise", Number.POSITIVE_INFINITY, "far"],
  ["/", 1, "there"],
] as const)("%s, of which the last %d may be links, is %s", (path, names, found) => {
  expect(find(path, names)).toBe(found);
});

test("real links are followed, and what cannot be seen is not there", () => {
  const place = mkdtempSync(join(tmpdir(), "upkeep-test-"));
  onTestFinished(() => rmSync(place, { recursive: true }));
  mkdirSync(join(place, "made"));
  symlinkSync("made", join(place, "link"));
  symlinkSync("nothing", join(place, "dangling"));
  const found = ["made", "link", "dangling", "nothing"].map((name) => whereabouts(join(place, name), 1, () => true));
  expect(found).toEqual(["there", "there", "absent", "absent"]);
  const seen: string[] = [];
  whereabouts(join(place, "link"), 1, (path) => seen.push(path) > 0);
  expect(seen).toEqual([place, join(place, "link"), join(place, "made")]);
});
