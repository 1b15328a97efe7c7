import { utimesSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { accountsFrom } from "../../../src/config/passwd.ts";
import { tree } from "../../helpers/tree.ts";

const PASSWD =
  "root:x:0:0::/root:/bin/bash\napp:x:1000:1000::/home/app:/bin/sh\n123:x:77:78::/n:\nbad:x:-1:0::/:\nbad2:x\n\n";
const GROUP = "root:x:0:\napp:x:1000:\nadm:x:4:app,root\n";

function accounts(passwd: string | null = PASSWD, group: string | null = GROUP) {
  const dir = tree({ ...(passwd === null ? {} : { passwd }), ...(group === null ? {} : { group }) });
  return { dir, ...accountsFrom(`${dir}/passwd`, `${dir}/group`) };
}

test("a name is looked up before a number", () => {
  const { identity } = accounts();
  expect(identity("123", null, null)).toMatchObject({
    ok: true,
    value: { uid: 77, gid: 78, name: "123", shell: "/bin/sh" },
  });
  expect(identity("1000", null, null)).toMatchObject({
    ok: true,
    value: { uid: 1000, name: "app", groups: [1000, 4] },
  });
});

test.each(["nobody", "", "-1", "4294967295", "99999999999", "bad", "bad2", "a:b:c"])(
  "the user %j is refused",
  (user) => {
    expect(accounts().identity(user, null, null).ok).toBe(false);
  },
);

test("a near name is suggested", () => {
  const { identity, group } = accounts();
  expect(identity("appp", null, null)).toMatchObject({ ok: false, why: expect.stringContaining("did you mean app?") });
  expect(group("amd")).toMatchObject({ ok: false, why: expect.stringContaining("did you mean adm?") });
});

test("without any file numbers still work and names do not", () => {
  const { identity } = accounts(null, null);
  expect(identity("12:34", null, ["56"])).toMatchObject({
    ok: true,
    value: { uid: 12, gid: 34, groups: [34, 56], name: null },
  });
  expect(identity("root", null, null).ok).toBe(false);
});

test("an account that is added later is found, one that is removed is not", () => {
  const { dir, identity } = accounts();
  expect(identity("late", null, null).ok).toBe(false);
  writeFileSync(`${dir}/passwd`, `${PASSWD}late:x:5:5::/:\n`);
  utimesSync(`${dir}/passwd`, 1, 1);
  expect(identity("late", null, null)).toMatchObject({ ok: true, value: { uid: 5 } });
  writeFileSync(`${dir}/passwd`, PASSWD);
  expect(identity("late", null, null).ok).toBe(false);
});

test("binary garbage holds no accounts", () => {
  const garbage = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)).toString("latin1");
  expect(accounts(garbage, garbage).identity("root", null, null).ok).toBe(false);
});
