// What runit's programs say in common: their texts for errors, their options, their last words.
#ifndef RUNIT_TEXT_H
#define RUNIT_TEXT_H
#include <stddef.h>

// As strerror, in the words of runit's programs; they are not those of any C library.
const char *runit_error(int error);

// Writes the parts, up to NULL, to standard error in one call, and nothing more.
void runit_tell(const char *first, ...) __attribute__((sentinel));

// The last part of a name: what a program calls itself.
const char *runit_name(const char *path);

// Options as runit's programs read them: `--` and whatever follows it in that word ends them, so does `-`.
struct runit_options {
  const char *letters;  // each followed by `:` if it takes a value
  const char *program;  // for words of complaint
  char **next;          // argv + 1 at first; at the end the first word that is no option
  char *value;
  const char *cluster;  // NULL at first
};

// The next option's letter; '?' for a wrong one, which is then told on standard error; 0 at the end.
int runit_option(struct runit_options *options);

// The digits that `text` begins with; gives back how many. A number that does not fit is cut off at its top.
size_t runit_number(const char *text, unsigned long *number);
#endif
