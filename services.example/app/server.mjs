// An HTTP server that asks the database for each answer.
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

const directory = process.env.UPKEEP_EXAMPLE_DIR ?? join(tmpdir(), `upkeep-example-${userInfo().uid}`);
const greeting = process.env.GREETING ?? "hi";
const port = Number(process.env.PORT ?? 8080);

/** One line to the database, one line back. */
function ask(question) {
  return new Promise((resolve, reject) => {
    let answer = "";
    connect(join(directory, "db.sock"))
      .on("error", reject)
      .on("data", (data) => {
        answer += data;
      })
      .on("close", () => resolve(answer.trim()))
      .end(`${question}\n`);
  });
}

const server = createServer((request, response) => {
  ask("visit").then(
    (visits) => {
      console.log(`${request.method} ${request.url} 200`);
      response.end(`${greeting}, you are visit ${visits}\n`);
    },
    (error) => {
      console.log(`${request.method} ${request.url} 503 ${error.message}`);
      response.writeHead(503).end("the database does not answer\n");
    },
  );
});

server.on("error", (error) => {
  console.log(`cannot listen on port ${port}: ${error.code}; PORT chooses another`);
  process.exit(1);
});
server.listen(port, () => console.log(`listening on port ${port}`));

process.on("SIGTERM", () => {
  console.log("finishing the last requests");
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
