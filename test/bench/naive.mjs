// The lower bound in Node: a supervisor of a directory written with child_process alone. Restarts at once, TERM to all on TERM.
// As PID 1 it reaps no orphan: Node waits only for the children it knows.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const root = process.argv[2];
const children = new Map();
let isStopping = false;

function start(name) {
  const child = spawn("./run", [], { cwd: join(root, name), stdio: "ignore", detached: true });
  children.set(name, child);
  child.once("exit", () => {
    children.delete(name);
    if (!isStopping) start(name);
    else if (children.size === 0) process.exit(0);
  });
}

process.on("SIGTERM", () => {
  isStopping = true;
  for (const child of children.values()) child.kill("SIGTERM");
});
for (const name of readdirSync(root)) if (!name.startsWith(".")) start(name);
