import { expect, test } from "vitest";
import type { Findings } from "../../../src/cli/lint.ts";
import { runOffline } from "../../../src/cli/offline.ts";
import { capture } from "../../helpers/fake-supervisor.ts";

async function offline(line: string, findings: Findings = { problems: [], services: ["web"] }) {
  const io = capture();
  const asked: string[] = [];
  const lint = (dir: string) => {
    asked.push(dir);
    return dir === "/none"
      ? Promise.reject(new Error("cannot read /none: there is no such directory"))
      : Promise.resolve(findings);
  };
  const parts = { lint, defaultDir: "/etc/service", version: "0.1.0", node: "v20", color: false };
  const code = await runOffline(line.split(" "), io, parts);
  return { code, out: io.stdout(), err: io.stderr(), asked };
}

test("lint looks where it is told, or in the usual place", async () => {
  expect((await offline("lint")).asked).toEqual(["/etc/service"]);
  expect((await offline("lint ./mine")).asked).toEqual(["./mine"]);
});

test("lint shows each problem with its line, and ends with 1 for an error only", async () => {
  const error = { severity: "error", where: "/s/db/service.ini:7", text: "no such key" } as const;
  const warning = { severity: "warning", where: "/s/db/run", text: "no shebang" } as const;
  expect(await offline("lint", { problems: [error, warning], services: ["db"] })).toMatchObject({
    code: 1,
    out: "/s/db/service.ini:7: error: no such key\n/s/db/run: warning: no shebang\n1 service in /etc/service: 1 error, 1 warning\n",
  });
  expect((await offline("lint", { problems: [warning], services: ["db"] })).code).toBe(0);
});

test("lint of what cannot be read ends with 1 and one sentence", async () => {
  expect(await offline("lint /none")).toMatchObject({
    code: 1,
    err: "upkeep: cannot read /none: there is no such directory\n",
  });
});

test("help and version need no supervisor; the rest says that it does", async () => {
  expect((await offline("help")).out).toContain("status [NAME…]");
  expect((await offline("help ps")).out).toContain("upkeep status");
  expect((await offline("help nonsense")).code).toBe(64);
  expect((await offline("start --help")).code).toBe(0);
  expect((await offline("version")).out).toBe("upkeep 0.1.0\n");
  expect((await offline("start web")).code).toBe(7);
});
