// The names under which a chain loader is called, and what each of them asks for.
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>

#include "chpst.h"
#include "runit-text.h"

// False if the words are wrong. `program` is for words of complaint.
typedef bool reader(struct change *change, const char *program, char **argv);

// As its manual says: it waits unless -n is given. runit's own has that the wrong way round.
static bool read_setlock(struct change *change, const char *program, char **argv) {
  struct runit_options options = {.letters = "nNxX", .program = program, .next = argv + 1};
  change->lock_waits = true;
  for (int letter; (letter = runit_option(&options));) {
    switch (letter) {
      case 'n':
      case 'N': change->lock_waits = letter == 'N'; break;
      case 'x':
      case 'X': change->lock_optional = letter == 'x'; break;
      default: return false;
    }
  }
  if (!options.next[0] || !options.next[1]) return false;
  change->lock = options.next[0];
  change->words = options.next + 1;
  return true;
}

static bool read_softlimit(struct change *change, const char *program, char **argv) {
  static const struct {
    char letter;
    unsigned char limit;
  } rows[] = {{'a', LIMIT_AS},     {'c', LIMIT_CORE},  {'d', LIMIT_DATA}, {'f', LIMIT_FSIZE}, {'l', LIMIT_MEMLOCK},
              {'o', LIMIT_NOFILE}, {'p', LIMIT_NPROC}, {'r', LIMIT_RSS},  {'s', LIMIT_STACK}, {'t', LIMIT_CPU},
              {'m', LIMIT_DATA},   {'m', LIMIT_STACK}, {'m', LIMIT_MEMLOCK}, {'m', LIMIT_AS}};
  struct runit_options options = {.letters = "a:c:d:f:l:m:o:p:r:s:t:", .program = program, .next = argv + 1};
  for (int letter; (letter = runit_option(&options));) {
    unsigned long number = (unsigned long)LIMIT_HARD;
    if (letter == '?') return false;
    if (strcmp(options.value, "=") != 0 && options.value[runit_number(options.value, &number)]) return false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
      if (rows[i].letter == letter) change->limits[rows[i].limit] = (long)number;
  }
  change->words = options.next;
  return *change->words;
}

static const struct name {
  const char *name, *usage;
  reader *read;  // NULL: no options, and the one word before the program goes where `word` says
  size_t word;   // 0: there is none
} names[] = {
    {"chpst",
     "[-vVP012] [-u user[:group]] [-U user[:group]] [-b argv0] [-e dir] [-/ root] [-n nice] [-l|-L lock] [-m n] [-d n]"
     " [-o n] [-p n] [-f n] [-c n] [-t n] prog",
     change_from_options, 0},
    {"envdir", "dir child", NULL, offsetof(struct change, env_dir)},
    {"envuidgid", "account child", NULL, offsetof(struct change, env_user)},
    {"setuidgid", "account child", NULL, offsetof(struct change, user)},
    {"pgrphack", "child", NULL, 0},
    {"setlock", "[ -nNxX ] file program [ arg ... ]", read_setlock, 0},
    {"softlimit",
     "[-a allbytes] [-c corebytes] [-d databytes] [-f filebytes] [-l lockbytes] [-m membytes] [-o openfiles]"
     " [-p processes] [-r residentbytes] [-s stackbytes] [-t cpusecs] child",
     read_softlimit, 0},
};

static const struct name *name_of(const char *text) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i].name, text + (*text == 'd')) == 0) return &names[i];
  return NULL;
}

bool chpst_knows(const char *name) {
  return name_of(name);
}

static bool read_words(struct change *change, const struct name *name, const char *program, char **argv) {
  if (name->read) return name->read(change, program, argv);
  char **words = argv + 1;
  change->env_dir_whole = change->plain_account = true;
  if (name->word == 0) change->session = true;
  else if (*words) *(const char **)((char *)change + name->word) = *words++;
  change->words = words;
  return *words;
}

int chpst_main(char **argv) {
  const char *program = runit_name(argv[0]);
  const struct name *name = name_of(program);
  struct change change = {0};
  for (int i = 0; i < LIMIT_COUNT; i++) change.limits[i] = LIMIT_LEFT;
  if (read_words(&change, name, program, argv)) change_run(&change);
  runit_tell("usage: ", name->name, " ", name->usage, "\n\n", NULL);
  return 100;
}
