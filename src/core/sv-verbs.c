// The commands of sv: whole words first, then by their first letter alone.
#define _GNU_SOURCE
#include <string.h>

#include "sv.h"

const struct sv_order sv_status = {"status", "", false, false};

static const struct sv_order words[] = {
    {"start", "u", true, false},
    {"stop", "d", true, false},
    {"shutdown", "x", true, false},
    {"restart", "tcu", true, false},
    {"reload", "h", true, false},
    {"try-restart", "tc", true, false},
    {"check", "", true, false},
    {"force-stop", "d", true, true},
    {"force-reload", "tc", true, true},
    {"force-restart", "tcu", true, true},
    {"force-shutdown", "x", true, true},
};

// The rest of the word is not looked at: `up`, `u` and `ux` are one.
static const struct sv_order letters[] = {
    {"u", "u", false, false}, {"d", "d", false, false}, {"o", "o", false, false}, {"p", "p", false, false},
    {"c", "c", false, false}, {"h", "h", false, false}, {"a", "a", false, false}, {"i", "i", false, false},
    {"q", "q", false, false}, {"1", "1", false, false}, {"2", "2", false, false}, {"t", "t", false, false},
    {"k", "k", false, false}, {"x", "x", false, false}, {"e", "x", false, false}, {"X", "x", true, true},
    {"E", "x", true, true},   {"D", "d", true, true},   {"T", "tc", true, true},
};

const struct sv_order *sv_order(const char *word, bool is_script) {
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i].word, word) == 0) return &words[i];
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
    if (*letters[i].word == *word) return &letters[i];
  // An init script's caller may mean something else by another word.
  if (*word == 's' && (!is_script || strcmp(word, "status") == 0)) return &sv_status;
  return NULL;
}
