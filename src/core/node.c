#define _GNU_SOURCE
#include "node.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

// No flag of V8 itself: each changes the key under which Node's own code is cached, which costs 9 ms of the boot.
static const char *const node_flags[] = {"--no-warnings", "--v8-pool-size=1"};
#define NODE_FLAGS (sizeof node_flags / sizeof *node_flags)

// With fewer descriptors Node aborts while it starts, with a trace for its own makers.
#define FILES_LEAST 64

// What the manager may see of the container's environment; the rest is for the services, and NODE_* for nobody here.
static const char *const passed[] = {"PATH=", "HOME=", "TZ=", "LANG=", "LC_", "TERM=", "NO_COLOR=", "COLORTERM=", "XDG_RUNTIME_DIR=", "UPKEEP_"};

static const char *value_of(char **environment, const char *name) {
  size_t length = strlen(name);
  for (char **entry = environment; *entry; entry++)
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  return NULL;
}

static bool is_passed(const char *entry, enum node_use use) {
  // Ours to say, and to the manager alone.
  if (strncmp(entry, "UPKEEP_HANDLES_FD=", 18) == 0) return false;
  if (use == NODE_FOR_COMMAND) return strncmp(entry, "NODE_", 5) != 0 && strncmp(entry, "LD_", 3) != 0;
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
    if (strncmp(entry, passed[i], strlen(passed[i])) == 0) return true;
  return false;
}

static bool is_program(const char *path) {
  struct stat file;
  if (stat(path, &file) != 0 || access(path, X_OK) != 0) return false;
  if (S_ISREG(file.st_mode)) return true;
  errno = S_ISDIR(file.st_mode) ? EISDIR : EACCES;
  return false;
}

static char *find_node(char **environment) {
  const char *chosen = value_of(environment, "UPKEEP_NODE");
  if (chosen && *chosen) return is_program(chosen) ? strdup(chosen) : NULL;
  const char *path = value_of(environment, "PATH");
  // After PATH, where Node's own images and Debian put it: an image may come without PATH.
  const char *const lists[] = {path ? path : "", "/usr/local/bin:/usr/bin"};
  char candidate[4096];
  for (size_t i = 0; i < 2; i++)
    for (const char *dir = lists[i]; *dir; dir += strcspn(dir, ":"), dir += *dir == ':') {
      int length = (int)strcspn(dir, ":");
      // Relative and empty elements would make PID 1 run whatever lies in the current directory.
      if (length == 0 || *dir != '/') continue;
      int written = snprintf(candidate, sizeof candidate, "%.*s/node", length, dir);
      if (written < (int)sizeof candidate && is_program(candidate)) return strdup(candidate);
    }
  return NULL;
}

// Beside the program itself, or in lib/upkeep where a distribution puts it; never looked for in PATH or the cwd.
static char *find_bundle(void) {
  char self[4096];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length > 0) self[length] = '\0';
  else {
    const char *name = (const char *)getauxval(AT_EXECFN);
    if (!name || strlen(name) >= sizeof self) return NULL;
    strcpy(self, name);
  }
  char *slash = strrchr(self, '/');
  if (!slash) return NULL;
  *slash = '\0';
  const char *const places[] = {"manager.cjs", "../lib/upkeep/manager.cjs"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    char candidate[4200];
    snprintf(candidate, sizeof candidate, "%s/%s", self, places[i]);
    if (access(candidate, R_OK) == 0) return strdup(candidate);
  }
  return NULL;
}

static const char *no_node(char **environment) {
  static char sentence[512];
  const char *chosen = value_of(environment, "UPKEEP_NODE");
  if (!chosen || !*chosen)
    return "cannot start Node.js: no node in PATH, /usr/local/bin or /usr/bin; install Node.js 20.19 or later, or set UPKEEP_NODE to it";
  snprintf(sentence, sizeof sentence,
           "cannot start Node.js: UPKEEP_NODE=%.300s: %s; set it to the program file of Node.js 20.19 or later", chosen, strerror(errno));
  return sentence;
}

static const char *too_few_files(void) {
  static char sentence[160];
  struct rlimit files;
  // Node itself raises the soft limit to the hard one.
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max >= FILES_LEAST) return NULL;
  snprintf(sentence, sizeof sentence, "cannot start Node.js: only %llu files may be open (nofile), and it needs %d; raise that limit",
           (unsigned long long)files.rlim_max, FILES_LEAST);
  return sentence;
}

const char *node_find(struct node_command *command, char **arguments, char **environment, enum node_use use, int handles_fd) {
  const char *why = too_few_files();
  if (why) return why;
  command->node = find_node(environment);
  if (!command->node) return no_node(environment);
  char *bundle = find_bundle();
  if (!bundle) return "cannot start Node.js: manager.cjs is neither beside the upkeep program nor in ../lib/upkeep; install both together";
  size_t words = 0, entries = 0;
  while (arguments[words]) words++;
  while (environment[entries]) entries++;
  command->argv = calloc(words + NODE_FLAGS + 3, sizeof *command->argv);
  command->envp = calloc(entries + 3, sizeof *command->envp);
  if (!command->argv || !command->envp) return "cannot start Node.js: out of memory";
  char **argument = command->argv;
  *argument++ = (char *)command->node;
  for (size_t i = 0; i < NODE_FLAGS; i++) *argument++ = (char *)node_flags[i];
  *argument++ = bundle;
  for (size_t i = 0; i < words; i++) *argument++ = arguments[i];
  char **entry = command->envp;
  for (size_t i = 0; i < entries; i++)
    if (is_passed(environment[i], use)) *entry++ = environment[i];
  if (use == NODE_FOR_COMMAND) return NULL;
  static char channel[32];
  snprintf(channel, sizeof channel, "UPKEEP_HANDLES_FD=%d", handles_fd);
  *entry++ = channel;
  return NULL;
}

int node_exec(char **arguments, char **environment) {
  struct node_command command;
  const char *why = node_find(&command, arguments, environment, NODE_FOR_COMMAND, -1);
  if (why) {
    say("%s", why);
    return 127;
  }
  execve(command.node, command.argv, command.envp);
  say("cannot execute %s: %s; set UPKEEP_NODE to a Node.js of version 20.19 or later", command.node, strerror(errno));
  return 126;
}
