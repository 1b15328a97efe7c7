// Chain loaders: chpst and its kin change the state of their own process, in one fixed order, and run a program in it.
#ifndef CHPST_H
#define CHPST_H
#include <stdbool.h>

// Besides a number of 0 or more, which is the soft limit; above the hard one it is that.
#define LIMIT_HARD (-1)
#define LIMIT_LEFT (-2)

enum limit_name {
  LIMIT_DATA,
  LIMIT_STACK,
  LIMIT_MEMLOCK,
  LIMIT_AS,
  LIMIT_NOFILE,
  LIMIT_NPROC,
  LIMIT_FSIZE,
  LIMIT_CORE,
  LIMIT_RSS,
  LIMIT_CPU,
  LIMIT_COUNT
};

// What is asked for; NULL and false ask for nothing.
struct change {
  char **words;        // the program and its arguments
  const char *argv0;
  bool verbose;
  bool session;
  const char *env_dir;
  bool env_dir_whole;  // a directory in it is an error
  const char *root, *directory;
  int nice;            // added
  const char *env_user, *user;
  bool plain_account;  // they are one name each, without groups or numbers
  const char *lock;
  bool lock_waits;
  bool lock_optional;  // without it we leave, with 0 and silently
  unsigned closed;     // bit N for descriptor N of 0 to 2
  long limits[LIMIT_COUNT];
};

// chpst-names.c: whether a chain loader has this name; a leading `d` counts for nothing.
bool chpst_knows(const char *name);
// argv[0] is one of these names, maybe as a path. Gives back only to say why not.
int chpst_main(char **argv);

// chpst.c: makes the change, in its order, and runs the program.
_Noreturn void change_run(const struct change *change);

// chpst-options.c: reads chpst's own options; false if they are wrong.
bool change_from_options(struct change *change, const char *program, char **argv);

// The steps, each its own file; what they cannot do is told, and they do not come back.
void change_environment(const char *directory, bool whole, bool verbose);  // chpst-envdir.c
void change_account_variables(const char *account, bool plain);            // chpst-identity.c
void change_identity(const char *account, bool plain);
void change_lock(const struct change *change);                             // chpst-lock.c
void change_limits(const long limits[LIMIT_COUNT]);                        // chpst-limits.c

// chpst-environment.c: the environment of the program, at first our own. A NULL value removes. False without memory.
bool environment_put(const char *name, const char *value);
char **environment(void);

// Ends with 111 and one line: "WHAT: errno", "WHAT: SUBJECT: errno", and "WHAT: SUBJECT" where nothing failed but the subject.
_Noreturn void chpst_fail(const char *what);
_Noreturn void chpst_fail_on(const char *what, const char *subject);
_Noreturn void chpst_refuse(const char *what, const char *subject);
_Noreturn void chpst_no_memory(void);
#endif
