import { describe, expect, test } from "vitest";
import { load, ROOT, SH, texts } from "../../helpers/load.ts";

describe("user", () => {
  const user = (text: string, own = ROOT) => load({ run: SH, "service.ini": text }, { own });

  test("gives ids, groups and the variables that follow", () => {
    expect(user("user = app").spec).toMatchObject({
      identity: { uid: 1000, gid: 1001, groups: [1001, 4, 5], name: "app", home: "/home/app", shell: "/bin/zsh" },
      env: { HOME: "/home/app", USER: "app", LOGNAME: "app", SHELL: "/bin/zsh" },
    });
  });

  test("env has the last word on those variables", () => {
    expect(user("user = app\nenv = HOME=/srv").spec?.env).toMatchObject({ HOME: "/srv", USER: "app" });
  });

  test("a number without an entry has its own group and nobody's home", () => {
    expect(user("user = 12345").spec).toMatchObject({
      identity: { uid: 12345, gid: 12345, groups: [12345], name: null, home: null },
      env: { HOME: null, USER: null, LOGNAME: null, SHELL: null },
    });
  });

  test.each([
    ["user = app:log", 4, [4, 5]],
    ["user = 1000:7", 7, [7, 4, 5]],
    ["user = app\ngroup = ssl", 5, [5, 4]],
    ["user = app\ngroups = log", 1001, [1001, 4]],
    ["user = app\ngroups =", 1001, [1001]],
  ])("%j has gid %i and groups %j", (text, gid, groups) => {
    expect(user(text).spec?.identity).toMatchObject({ uid: 1000, gid, groups });
  });

  test("our own identity needs no right, and is no change", () => {
    const own = { uid: 1000, gid: 1001, groups: [1001] };
    expect(user("user = app", own).spec).toMatchObject({ identity: null, env: { HOME: "/home/app" } });
  });

  test.each([
    ["user = root", "cannot run as root: upkeep itself runs as uid 1000"],
    ["group = log", "cannot run with gid 4: "],
    ["groups = ssl", "cannot change groups: "],
  ])("%j without root is an error of that service", (text, why) => {
    const loaded = user(text, { uid: 1000, gid: 1001, groups: [1001] });
    expect(loaded.spec).toBeNull();
    expect(texts(loaded)).toEqual([expect.stringContaining(why)]);
  });
});

describe("env-user", () => {
  const user = (text: string) => load({ run: SH, "service.ini": text });

  test.each([
    ["env-user = app", { UID: "1000", GID: "1001" }],
    ["env-user = app:log", { UID: "1000", GID: "4" }],
    ["env-user = 7:8", { UID: "7", GID: "8" }],
    ["env-user = app\nenv = GID=5", { UID: "1000", GID: "5" }],
  ])("%j gives %j and changes nobody", (text, env) => {
    expect(user(text).spec).toMatchObject({ env, identity: null });
  });

  test("an account that is not there is an error", () => {
    expect(texts(user("env-user = ap"))).toEqual([
      expect.stringMatching(/^error: cannot use env-user .*did you mean app/),
    ]);
  });
});
