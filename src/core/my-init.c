// The face `my_init`: the words that phusion/baseimage-docker's init takes, put as the supervisor's own.
#define _GNU_SOURCE
#include "my-init.h"

#include <string.h>
#include <unistd.h>

#include "options.h"
#include "pid1.h"
#include "text.h"

static const char usage[] =
    "usage: my_init [OPTIONS] [--] [COMMAND [ARG...]]\n"
    "Runs the files of /etc/my_init.d and /etc/rc.local, then the services of /etc/service, beside COMMAND if there is one.\n"
    "  --skip-startup-files    neither /etc/my_init.d nor /etc/rc.local\n"
    "  --skip-runit            no services; needs a COMMAND\n"
    "  --no-kill-all-on-exit   leave alone what is no service's at the end\n"
    "  --quiet                 only warnings and errors\n"
    "  --enable-insecure-key   run enable_insecure_key first\n";

// The letters stand for long options alone.
static const struct option_row rows[] = {{1, false, "skip-startup-files"},
                                         {2, false, "skip-runit"},
                                         {3, false, "no-kill-all-on-exit"},
                                         {4, false, "quiet"},
                                         {5, false, "enable-insecure-key"},
                                         {'h', false, "help"},
                                         {0}};

#define OPTIONS (sizeof rows / sizeof *rows - 2)
#define SKIP_RUNIT 2

bool my_init_has(const char *word) {
  for (size_t i = 0; i < OPTIONS; i++)
    if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, rows[i].name) == 0) return true;
  return false;
}

int my_init_main(char **argv) {
  static char compat[] = "--compat", baseimage[] = "baseimage", end[] = "--", names[OPTIONS][32];
  size_t count = 0, words = 0;
  while (argv[count]) count++;
  // Ours, a word for each option, the mark, the command and the end: on the stack, for we do not come back.
  char *all[count + OPTIONS + 4];
  bool chosen[OPTIONS + 1] = {0};
  struct options options = {.rows = rows, .has_long = true, .permutes = true, .next = argv + 1, .program = argv[0]};
  for (int letter; (letter = options_next(&options));) {
    if (letter == 'h') return write(1, usage, sizeof usage - 1) < 0;
    if (letter == '?') {
      (void)!write_error(usage, sizeof usage - 1);
      return 2;
    }
    chosen[letter] = true;
  }
  if (chosen[SKIP_RUNIT] && !*options.words) {
    static const char text[] = "*** When --skip-runit is given, you must also pass a main command.\n";
    (void)!write_error(text, sizeof text - 1);
    return 1;
  }
  all[words++] = compat;
  all[words++] = baseimage;
  for (size_t i = 0; i < OPTIONS; i++) {
    if (!chosen[i + 1]) continue;
    size_t length = strlen(rows[i].name);
    memcpy(names[i], "--", 2);
    memcpy(names[i] + 2, rows[i].name, length + 1);
    all[words++] = names[i];
  }
  if (*options.words) all[words++] = end;
  for (char **word = options.words; *word; word++) all[words++] = *word;
  all[words] = NULL;
  return pid1_main(all, environ);
}
