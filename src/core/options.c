#include "options.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int complain(const struct options *options, const char *format, ...) {
  char line[1024];
  size_t length = (size_t)snprintf(line, sizeof line, "%.255s: ", options->program);
  va_list arguments;
  va_start(arguments, format);
  length = end_line(line, sizeof line, length, format, arguments);
  va_end(arguments);
  (void)!write(2, line, length);
  return '?';
}

// Exactly this name, or the only one that begins so; NULL has been told.
static const struct option_row *row_named(const struct options *options, const char *name, size_t length) {
  const struct option_row *found = NULL;
  char possible[256] = "";
  size_t used = 0, count = 0;
  for (const struct option_row *row = options->rows; row->letter; row++) {
    if (!row->name || strncmp(row->name, name, length) != 0) continue;
    if (!row->name[length]) return row;
    found = row;
    count++;
    if (used < sizeof possible - 40) used += (size_t)snprintf(possible + used, 40, " '--%s'", row->name);
  }
  if (count == 1) return found;
  if (count == 0) complain(options, options->is_ours ? "unknown option --%s" : "unrecognized option '--%s'", name);
  else complain(options, "option '--%s' is ambiguous; possibilities:%s", name, possible);
  return NULL;
}

static int long_option(struct options *options, char *name) {
  size_t length = strcspn(name, "=");
  const struct option_row *row = row_named(options, name, length);
  if (!row) return '?';
  snprintf(options->shown, sizeof options->shown, "--%s", row->name);
  if (name[length] && !row->takes_value) return complain(options, "option '--%s' doesn't allow an argument", row->name);
  if (row->takes_value) {
    options->value = name[length] ? name + length + 1 : *options->next;
    if (!options->value) return complain(options, "option '--%s' requires an argument", row->name);
    if (!name[length]) options->next++;
  }
  return (unsigned char)row->letter;
}

static int short_option(struct options *options) {
  char letter = *options->cluster++;
  const struct option_row *row = options->rows;
  while (row->letter && row->letter != letter) row++;
  // Letters that stand for a long option alone cannot be typed by accident: they are control characters.
  if (!row->letter || letter < ' ') return complain(options, "invalid option -- '%c'", letter);
  snprintf(options->shown, sizeof options->shown, "-%c", letter);
  if (!row->takes_value) return letter;
  options->value = *options->cluster ? (char *)options->cluster : *options->next;
  if (!options->value) return complain(options, "option requires an argument -- '%c'", letter);
  if (!*options->cluster) options->next++;
  options->cluster = NULL;
  return letter;
}

int options_next(struct options *options) {
  if (!options->words) options->words = options->kept = options->next;
  if (options->cluster && *options->cluster) return short_option(options);
  // Words that are no options move down over the options already read; they never overtake what is yet to be read.
  for (char *word; (word = *options->next);) {
    if (word[0] != '-' || !word[1]) {
      if (!options->permutes) break;
      *options->kept++ = *options->next++;
      continue;
    }
    options->next++;
    if ((options->was_ended = strcmp(word, "--") == 0)) break;
    if (options->has_long && word[1] == '-') return long_option(options, word + 2);
    options->cluster = word + 1;
    return short_option(options);
  }
  while ((*options->kept = *options->next)) options->kept++, options->next++;
  return 0;
}
