// Command-line options as GNU programs read them, words of complaint included: musl's own getopt differs in both.
#ifndef OPTIONS_H
#define OPTIONS_H
#include <stdbool.h>

struct option_row {
  char letter;       // what options_next gives back; also the short option, unless it is above 127 or below 32
  bool takes_value;
  const char *name;  // after `--`; NULL for none
};

struct options {
  const struct option_row *rows;  // ended by letter 0
  bool has_long;                  // else `--name` is a cluster of letters that begins with `-`
  bool is_ours;                   // an unknown option is told as upkeep tells it everywhere
  bool permutes;                  // options are found behind other words too
  char **next;                    // argv + 1 at first
  const char *program;            // argv[0]
  char **words;                   // at the end: the words that are no options, NULL-terminated; NULL at first
  bool was_ended;                 // at the end: by `--`
  char *value;
  char shown[24];                 // the option as it was written, without its value
  const char *cluster;            // NULL at first
  char **kept;                    // NULL at first
};

// The next option's letter; '?' for a wrong one, which is then told on standard error; 0 at the end.
int options_next(struct options *options);
#endif
