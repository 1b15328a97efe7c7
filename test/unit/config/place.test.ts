import { describe, expect, test } from "vitest";
import { load, SH, texts } from "../../helpers/load.ts";

describe("root", () => {
  const jailed = (text: string, files = {}) => load({ "service.ini": text, ...files });

  test("without one everything is as it was", () => {
    const { spec, home } = load({ run: SH });
    expect(spec).toMatchObject({ root: null, dir: home, command: [`${home}/run`] });
  });

  test.each([
    ["root = /srv/jail", "/srv/jail", "/"],
    ["root = /srv/jail/", "/srv/jail", "/"],
    ["root = /srv/jail\ndir = work", "/srv/jail", "/work"],
    ["root = /srv/jail\ndir = /var/lib", "/srv/jail", "/var/lib"],
    ["root = /srv/jail\ndir = ../../etc", "/srv/jail", "/etc"],
  ])("%j is %s, and the directory within is %s", (text, root, dir) => {
    const { spec } = jailed(`command = /bin/app -x\n${text}`);
    expect(spec).toMatchObject({ root, dir, command: ["/bin/app", "-x"] });
  });

  test("a relative one starts at the service directory, whose files are then called as from within", () => {
    const { spec, home } = jailed("root = .", { run: SH });
    expect(spec).toMatchObject({ root: home, dir: "/", command: ["/run"] });
    const above = jailed("root = ..", { run: SH });
    const name = above.home.slice(above.home.lastIndexOf("/"));
    expect(above.spec).toMatchObject({ dir: name, command: [`${name}/run`] });
  });

  test("/ changes no name", () => {
    const { spec, home } = jailed("root = /", { run: SH });
    expect(spec).toMatchObject({ root: "/", dir: home, command: [`${home}/run`] });
  });

  test("a run file outside of it is an error, which says what would do", () => {
    const loaded = jailed("root = /srv/jail", { run: SH });
    expect(loaded.spec).toBeNull();
    expect(texts(loaded)).toEqual([
      expect.stringMatching(/^error: cannot use root "?\/srv\/jail"?: .*\/run is outside of it; set command/),
    ]);
    expect(loaded.problems[0]?.where).toBe(`${loaded.home}/service.ini:1`);
  });

  test("is root's to change", () => {
    const own = { uid: 1000, gid: 1001, groups: [1001] };
    const loaded = load({ "service.ini": "command = /app\nroot = /srv/jail" }, { own });
    expect(loaded.spec).toBeNull();
    expect(texts(loaded)).toEqual([expect.stringContaining("upkeep itself runs as uid 1000; run upkeep as root")]);
  });

  test("is no default for all services, and a logger does not share it", () => {
    const files = { "service.ini": "command = /app\nroot = /jail\n", "log/run": SH };
    expect(load(files).spec?.logger).toMatchObject({ root: null, argv0: null, lock: null, close: [] });
  });
});
