import { describe, expect, test } from "vitest";
import { isShell, lastCommand } from "../../../src/manager/idle-shell.ts";

describe("the last command of a script that exec could take the shell's place by", () => {
  test.each([
    ["a plain one", "#!/bin/sh\necho ready\nnginx -g 'daemon off;'\n", "nginx"],
    ["with a full path, over several lines", "#!/bin/sh\n/usr/bin/app \\\n  --port 80\n\n# the end\n", "/usr/bin/app"],
    ["after assignments, with redirections", "A=1 B=2 app 2>&1 >/dev/null\n", "app"],
    ["with a semicolon, a pipe and a bracket in quotes", `app "a; b" '| c (d)'\n`, "app"],
    ["with a comment behind it", "app --verbose # & never && in the | background\n", "app"],
  ])("%s is named", (_what, text, command) => {
    expect(lastCommand(text)).toBe(command);
  });

  test.each([
    ["one that has exec already", "exec app\n"],
    ["a loop", "while :; do\n  app\ndone\n"],
    ["a condition", "if true; then app; fi\n"],
    ["a subshell", "( app )\n"],
    ["a pipe", "app | logger\n"],
    ["a list", "app && cleanup\n"],
    ["one with something to do on failure", "app || exit 3\n"],
    ["one in the background", "app &\n"],
    ["a script with a trap", "trap 'rm -f /run/x' EXIT\napp\n"],
    ["a command that is computed", '"$@"\n'],
    ["an empty script", "#!/bin/sh\n\n"],
  ])("there is none in %s", (_what, text) => {
    expect(lastCommand(text)).toBeNull();
  });
});

test.each([
  ["sh", true],
  ["/bin/dash", true],
  ["-bash", true],
  ["/usr/bin/perl", false],
  ["", false],
])("%j is a shell: %j", (word, answer) => {
  expect(isShell(word)).toBe(answer);
});
