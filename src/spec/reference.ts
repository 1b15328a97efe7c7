// docs/service-reference.md, from the tables of keys.ts; a unit test compares them.
import { globalKeys, groups, type Key, serviceKeys } from "./keys.ts";

const HEAD = `# Service reference

<!-- Made from src/spec/keys.ts: UPDATE_DOCS=1 npm run unit -->

A service is a directory. Everything but \`run\` is optional.

| file | meaning |
| --- | --- |
| \`run\` | an executable that stays in the foreground; \`command\` in service.ini takes its place |
| \`service.ini\` | the keys below |
| \`env/NAME\` | first line: the value of the variable \`NAME\`; an empty file removes the variable |
| \`check\` | an executable; the service is ready once it exits 0 |
| \`finish\` | an executable, run after each end of the service with two arguments: its exit code or -1, and the signal's number or 0; killed after \`finish-timeout\` |
| \`down\` | the service is not started at boot |
| \`log/run\` | a logger: reads the service's output from its standard input; \`log/\` is a service directory of its own |

Files of s6 and s6-rc (\`notification-fd\`, \`timeout-kill\`, \`type\`, \`dependencies.d\` and so on) are read too, below
service.ini: [from runit, baseimage-docker and s6](others.md).

## service.ini

\`\`\`ini
# Comments stand on lines of their own.
command = /usr/bin/app --listen :8080
user = www-data
requires = db
stop-grace = 20s

[env]
GREETING = good day

[limits]
nofile = 1024:4096
\`\`\`

Keys stand before any section or in \`[service]\`. An indented line continues the value above it. \`;\`, \`#\`, \`%\` and \`$\`
within a value are just characters. Durations: \`500ms\`, \`10s\`, \`1m30s\`, \`2h\`, a plain number is seconds. Sizes: \`64KB\`,
\`5M\`, a K is 1024. Lists: items by spaces or commas. A bad value refuses the service; an unknown key is a warning.
\`upkeep lint\` tells both, with file and line. What comes later wins: the defaults here, the global file, \`env/\`,
service.ini.
`;

const GLOBAL = `## Global file

\`/etc/upkeep.ini\` if there is one, then the file given by \`-c\`, whose keys win. Keys stand before any section or in \`[upkeep]\`. All keys of a service but
\`command\` may stand there too, or in \`[defaults]\`, \`[env]\` and \`[limits]\`: they hold for every service that does not say
otherwise.
`;

/** The whole page. */
export function serviceReference(): string {
  const services = Object.values(serviceKeys);
  const parts = groups.map((group) => `### ${group}\n\n${table(services.filter((key) => key.group === group))}`);
  return `${[HEAD, ...parts, `${GLOBAL}\n${table(Object.values(globalKeys))}`].join("\n").trimEnd()}\n`;
}

function table(keys: readonly Key<unknown>[]): string {
  const rows = keys.map((key) => {
    const fallback = key.defaultText ?? `\`${key.default}\``;
    const cells = [`\`${key.spelling}\``, key.kind.unit, fallback, key.doc, `\`${key.example}\``];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return `| key | value | default | meaning | example |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}
