import { mkdirSync } from "node:fs";
import { expect, test } from "vitest";
import { listServices } from "../../../src/config/list-services.ts";
import { tree } from "../../helpers/tree.ts";

test("directories and links to directories are services, in order; files and dot names are not", () => {
  const dir = tree({
    web: {},
    "a.b-c_d@1": {},
    ".git": {},
    "README.md": "",
    link: { link: "web" },
    file: { link: "README.md" },
    é: {},
  });
  expect(listServices(dir)).toEqual({
    names: ["a.b-c_d@1", "link", "web", "é"],
    links: new Set(["link"]),
    silent: new Set(),
    problems: [],
  });
});

test.each([
  ["two words", "white space", "two\\x20words"],
  ["a,b", "comma", "a,b"],
  ["a\nb", "control character", "a\\x0ab"],
  ["a\u001b[31m", "control character", "a\\x1b[31m"],
])("the name %j is a problem and harms no other", (name, why, shown) => {
  const dir = tree({ web: {}, [name]: {} });
  const { names, problems } = listServices(dir);
  expect(names).toEqual(["web"]);
  expect(problems).toEqual([{ severity: "error", where: `${dir}/${shown}`, text: expect.stringContaining(why) }]);
});

test("a name that is not UTF-8 is a problem", () => {
  const dir = tree({ web: {} });
  mkdirSync(Buffer.concat([Buffer.from(`${dir}/x`), Buffer.from([0xff])]));
  expect(listServices(dir)).toMatchObject({
    names: ["web"],
    problems: [{ where: `${dir}/x\\xff`, text: expect.stringContaining("not UTF-8") }],
  });
});

test("a link to nothing is a warning", () => {
  const dir = tree({ gone: { link: "nowhere" } });
  expect(listServices(dir)).toEqual({
    names: [],
    links: new Set(),
    silent: new Set(),
    problems: [{ severity: "warning", where: `${dir}/gone`, text: expect.stringContaining("no such file") }],
  });
});

test("a scan directory that cannot be read is told from an empty one", () => {
  expect(listServices("/nonexistent")).toMatchObject({
    names: null,
    problems: [{ severity: "error", where: "/nonexistent" }],
  });
  expect(listServices(tree())).toEqual({ names: [], links: new Set(), silent: new Set(), problems: [] });
});

test("a link is not followed where it leads may not answer, and is listed all the same", () => {
  const dir = tree({ web: {}, gone: { link: "nowhere" }, far: { link: "nowhere" }, file: "" });
  const asked: string[] = [];
  const answers = (name: string, isLink: boolean) => {
    asked.push(`${name} ${isLink}`);
    return name !== "far";
  };
  expect(listServices(dir, answers)).toMatchObject({
    names: ["far", "web"],
    links: new Set(["far"]),
    silent: new Set(["far"]),
    problems: [{ where: `${dir}/gone` }],
  });
  expect(asked.sort()).toEqual(["far true", "gone true", "web false"]);
});
