#define _GNU_SOURCE
#include <string.h>

#include "chpst.h"
#include "runit-text.h"

// The limits that each option sets.
static const struct {
  char letter;
  unsigned limits;  // bit N for enum limit_name
} limit_options[] = {
    {'m', 1u << LIMIT_DATA | 1u << LIMIT_STACK | 1u << LIMIT_MEMLOCK | 1u << LIMIT_AS},
    {'d', 1u << LIMIT_DATA},
    {'o', 1u << LIMIT_NOFILE},
    {'p', 1u << LIMIT_NPROC},
    {'f', 1u << LIMIT_FSIZE},
    {'c', 1u << LIMIT_CORE},
    {'r', 1u << LIMIT_RSS},
    {'t', 1u << LIMIT_CPU},
};

static bool read_limit(struct change *change, char letter, const char *text) {
  unsigned long number;
  if (text[runit_number(text, &number)]) return false;
  for (size_t i = 0; i < sizeof limit_options / sizeof *limit_options; i++)
    if (limit_options[i].letter == letter)
      for (int limit = 0; limit < LIMIT_COUNT; limit++)
        if (limit_options[i].limits & 1u << limit) change->limits[limit] = (long)number;
  return true;
}

static bool read_nice(struct change *change, const char *text) {
  unsigned long number;
  bool negative = *text == '-';
  if (negative || *text == '+') text++;
  if (text[runit_number(text, &number)]) return false;
  change->nice = negative ? (int)-(unsigned)number : (int)number;
  return true;
}

static bool read_lock(struct change *change, const char *file, bool waits) {
  if (change->lock) return false;
  change->lock = file;
  change->lock_waits = waits;
  return true;
}

bool change_from_options(struct change *change, const char *program, char **argv) {
  struct runit_options options = {.letters = "u:U:b:e:m:d:o:p:f:c:r:t:/:C:n:l:L:vP012V", .program = program, .next = argv + 1};
  bool right = true;
  for (int letter; right && (letter = runit_option(&options));) {
    switch (letter) {
      case 'u': change->user = options.value; break;
      case 'U': change->env_user = options.value; break;
      case 'b': change->argv0 = options.value; break;
      case 'e': change->env_dir = options.value; break;
      case '/': change->root = options.value; break;
      case 'C': change->directory = options.value; break;
      case 'n': right = read_nice(change, options.value); break;
      case 'l':
      case 'L': right = read_lock(change, options.value, letter == 'l'); break;
      case 'v': change->verbose = true; break;
      case 'P': change->session = true; break;
      case '0':
      case '1':
      case '2': change->closed |= 1u << (letter - '0'); break;
      case 'V': runit_tell("upkeep " UPKEEP_VERSION "\n", NULL); return false;
      case '?': return false;
      default: right = read_limit(change, (char)letter, options.value);
    }
  }
  change->words = options.next;
  return right && *change->words;
}
