// The command `upkeep`: by its first words an init for one child, the supervisor's core, a client, or Node's starter.
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "chpst.h"
#include "client.h"
#include "init.h"
#include "look.h"
#include "my-init.h"
#include "node.h"
#include "pid1.h"
#include "runsvdir.h"
#include "sv.h"
#include "text.h"

static const char usage[] =
    "usage: upkeep [-c FILE] DIR              supervise the service directories in DIR\n"
    "       upkeep run DIR -- CMD             the same beside a main command, whose end stops everything\n"
    "       upkeep [OPTIONS] -- CMD [ARG...]  run one command as an init does (upkeep -h)\n"
    "       upkeep COMMAND ...                status, start, stop, restart, logs ... (upkeep help)\n";

static const char *const offline[] = {"lint", "help"};

// The programs that we stand in for, by our own name or by the first word.
static const struct {
  const char *name;
  int (*run)(char **argv);
} faces[] = {{"tini", tini_main}, {"tini-static", tini_main}, {"docker-init", tini_main}, {"dumb-init", dumb_init_main},
           {"my_init", my_init_main}, {"sv", sv_main},
           {"runsvdir", runsvdir_main}, {"runsv", runsv_main}, {"runsvchdir", runsvchdir_main},
           {"svlogd", svlogd_main}};

// Runs the face that `argv[0]` names, which may be a path; -1 if it names none.
static int run_face(char **argv) {
  const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
  for (size_t i = 0; i < sizeof faces / sizeof *faces; i++)
    if (strcmp(name, faces[i].name) == 0) return faces[i].run(argv);
  if (chpst_knows(name)) return chpst_main(argv);
  return -1;
}

// Words that need no supervisor: some commands, and the help of every command.
static bool is_offline(char **words) {
  for (size_t i = 0; i < sizeof offline / sizeof *offline; i++)
    if (strcmp(words[0], offline[i]) == 0) return true;
  if (!client_knows(words[0])) return false;
  for (char **word = words + 1; *word; word++)
    if (strcmp(*word, "-h") == 0 || strcmp(*word, "--help") == 0) return true;
  return false;
}

int upkeep_usage(void) {
  (void)!write_error(usage, sizeof usage - 1);
  return 64;
}

static int usage_error(const char *format, const char *word) {
  say(format, word);
  return upkeep_usage();
}

// `[-c FILE]... [--compat baseimage [OPTION]...] DIR [-- CMD...]`. What is wrong with the words or the directory is said
// before anything runs; where the directory does not answer, that is the manager's to tell. `seen` is what is known of it.
static int supervise(char **words, char **environment, const struct look *seen) {
  const char *directory = NULL;
  bool is_compat = false;
  for (char **word = words; *word; word++) {
    if (strcmp(*word, "-c") == 0 || strcmp(*word, "--config") == 0) {
      if (!*++word) return usage_error("%s needs a file", word[-1]);
      continue;
    }
    if (strcmp(*word, "--compat") == 0) {
      if (!*++word) return usage_error("%s needs the name of a layout: baseimage", word[-1]);
      if (strcmp(*word, "baseimage") != 0) return usage_error("unknown layout %s after --compat; there is baseimage", *word);
      is_compat = true;
      continue;
    }
    if (is_compat && my_init_has(*word)) continue;
    if (strcmp(*word, "--") == 0) {
      if (!word[1]) return usage_error("%s", "no command after --");
      break;
    }
    if (**word == '-') return usage_error("unknown option %s", *word);
    if (directory) return usage_error("unexpected word %s after the directory", *word);
    directory = *word;
  }
  // Its startup files may make the directory; and there is but one place for it.
  if (is_compat && !directory) return pid1_main(words, environment);
  if (!directory) return usage_error("%s", "no directory to supervise");
  const struct look look = seen ? *seen : look_at(directory);
  if (!look.answers || look.error == 0) return pid1_main(words, environment);
  say("cannot supervise %s: %s; name a directory of service directories", directory, strerror(look.error));
  return 78;
}

// One word with a slash that is no directory is a program to run; the sentence must fit him who meant a directory.
static int run_path(char **argv, const struct look *seen) {
  const char *word = argv[1];
  errno = seen->error;
  if (!seen->is_there && (argv[2] || strpbrk(word, " &|;$<>"))) return upkeep_cannot_execute(word, errno);
  if (!seen->is_there) {
    say("cannot run or supervise %s: %s", word, strerror(errno));
    return 127;
  }
  if (access(word, X_OK) == 0) return upkeep_init_main(argv);
  say("cannot run %s: %s; chmod +x makes it a program, and only a directory can be supervised", word, strerror(errno));
  return 126;
}

int main(int argc, char **argv, char **environment) {
  int code = argc > 0 ? run_face(argv) : -1;
  if (code < 0 && argc > 0) code = sv_script_main(argv);
  // As a first word only the bare name: a path is a program to run.
  if (code < 0 && argc > 1 && !strchr(argv[1], '/')) code = run_face(argv + 1);
  if (code >= 0) return code;
  if (argc < 2) return usage_error("%s", "nothing to do");
  const char *word = argv[1];
  if (strcmp(word, "run") == 0) {
    if (argc < 3) return usage_error("%s", "run needs a directory");
    return supervise(argv + 2, environment, NULL);
  }
  if (is_offline(argv + 1)) {
    // Node would open what is closed, and take what is written to it.
    (void)client_fill_descriptors();
    return node_exec(argv + 1, environment);
  }
  if (client_knows(word)) return client_main(argc, argv);
  if (strcmp(word, "-c") == 0 || strcmp(word, "--config") == 0 || strcmp(word, "--compat") == 0) return supervise(argv + 1, environment, NULL);
  if (*word == '-') return upkeep_init_main(argv);
  const struct look seen = look_at(word);
  if (!seen.answers || seen.is_directory) return supervise(argv + 1, environment, &seen);
  // A word without a slash is a slip of a command's name far more often than a program to run; a line for a shell is none.
  if (strchr(word, '/')) return run_path(argv, &seen);
  if (!seen.is_there && strpbrk(word, " &|;$<>")) return upkeep_cannot_execute(word, ENOENT);
  const char *nearest = client_nearest(word);
  if (!*word) return usage_error("%s", "the first word is empty: neither a command nor a directory");
  if (!nearest) return usage_error("unknown command %s, and no directory either", word);
  say("unknown command %s; did you mean %s?", word, nearest);
  return upkeep_usage();
}
