// A stand-in for a database: it counts visits, on a Unix socket.
import { mkdirSync, rmSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

const directory = process.env.UPKEEP_EXAMPLE_DIR ?? join(tmpdir(), `upkeep-example-${userInfo().uid}`);
const path = join(directory, "db.sock");
mkdirSync(directory, { recursive: true, mode: 0o700 });
rmSync(path, { force: true }); // what a killed one left

let visits = 0;
const server = createServer((connection) => {
  connection.on("error", () => connection.destroy());
  connection.once("data", () => {
    visits += 1;
    connection.end(`${visits}\n`);
  });
});

server.listen(path, () => {
  console.log("ready");
  writeSync(3, "\n");
});

process.on("SIGTERM", () => {
  console.log(`closing after ${visits} visits`);
  server.close(() => process.exit(0));
});
