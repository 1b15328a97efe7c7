// The lower bound of a logger in Node: standard input into DIR/current by streams, rotated at 10 MB, 10 files kept.
import { createWriteStream, renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";

const [directory, stamps] = process.argv.slice(2);
const kept = [];
let size = 0;
let rotations = 0;
let current = createWriteStream(join(directory, "current"), { flags: "a" });
let rest = "";

process.stdin.on("data", (chunk) => {
  let bytes = chunk;
  if (stamps !== undefined) {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    const head = new Date().toISOString();
    bytes = Buffer.from(lines.map((line) => `${head} ${line}\n`).join(""), "latin1");
  }
  size += bytes.length;
  if (!current.write(bytes)) {
    process.stdin.pause();
    current.once("drain", () => process.stdin.resume());
  }
  if (size >= 10_000_000) rotate();
});
process.stdin.on("end", () => current.end());

function rotate() {
  const name = join(directory, `old.${rotations++}`);
  current.end();
  renameSync(join(directory, "current"), name);
  if (kept.push(name) > 10) unlinkSync(kept.shift());
  current = createWriteStream(join(directory, "current"), { flags: "a" });
  process.stdin.resume();
  size = 0;
}
