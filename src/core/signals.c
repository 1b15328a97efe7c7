#include "signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char names[][7] = {
    "HUP",  "INT",  "QUIT", "ILL",  "TRAP", "ABRT",   "BUS", "FPE", "KILL", "USR1", "SEGV",   "USR2", "PIPE",  "ALRM", "TERM", "STKFLT",
    "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",   "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",   "PWR",  "SYS",
};
#define NAMED ((int)(sizeof names / sizeof *names))

static const struct {
  char name[5];
  int number;
} second_names[] = {{"IOT", 6}, {"POLL", 29}, {"CLD", 17}};

// A whole decimal number, or -1; an empty text is `without`.
static int number_of(const char *text, int without) {
  if (!*text) return without;
  int number = 0;
  for (; *text; text++) {
    if (*text < '0' || *text > '9' || number > SIGNAL_MAX) return -1;
    number = number * 10 + *text - '0';
  }
  return number;
}

// What follows `sign`, added to or taken from a real-time signal; nothing is 0.
static int real_time(const char *rest, char sign, int from) {
  int distance = *rest == sign && rest[1] ? number_of(rest + 1, -1) : *rest ? -1 : 0;
  int number = sign == '+' ? from + distance : from - distance;
  return distance >= 0 && number >= SIGNAL_RTMIN && number <= SIGNAL_MAX ? number : -1;
}

int signal_number(const char *text) {
  int number = number_of(text, -1);
  if (number >= 0) return number >= 1 && number <= SIGNAL_MAX ? number : -1;
  if (strncasecmp(text, "SIG", 3) == 0) text += 3;
  for (int i = 0; i < NAMED; i++)
    if (strcasecmp(text, names[i]) == 0) return i + 1;
  for (size_t i = 0; i < sizeof second_names / sizeof *second_names; i++)
    if (strcasecmp(text, second_names[i].name) == 0) return second_names[i].number;
  if (strncasecmp(text, "RTMIN", 5) == 0) return real_time(text + 5, '+', SIGNAL_RTMIN);
  if (strncasecmp(text, "RTMAX", 5) == 0) return real_time(text + 5, '-', SIGNAL_MAX);
  return -1;
}

struct signal_name signal_name(int number) {
  struct signal_name name;
  if (number >= 1 && number <= NAMED) strcpy(name.text, names[number - 1]);
  else if (number >= SIGNAL_RTMIN && number <= SIGNAL_MAX) snprintf(name.text, sizeof name.text, "RTMIN+%d", number - SIGNAL_RTMIN);
  else snprintf(name.text, sizeof name.text, "%d", number);
  return name;
}
