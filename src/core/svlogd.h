// The parts of the program svlogd; nobody else includes this. It opens and locks the log directories, finds somebody who
// writes them (the manager, or the one log process of this user), and waits; it reads and writes no log itself.
#ifndef SVLOGD_H
#define SVLOGD_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct log_directory {
  const char *name;  // as it was called on the command line
  int fd, lock;      // -1 where it cannot be used
  int root_lock;     // root's own lock in a directory of somebody else, kept over the change of user; else -1
  const char *fault; // what could not be done, and with which errno
  int error;
  dev_t device;
  ino_t inode;
};

struct log_options {
  int stamp;             // 0 to 3, as many as there were -t
  int replacement;       // -1 none
  const char *replaced;  // NULL none
  unsigned long line_max, buffer;
  bool verbose;
};

struct log_program {
  struct log_options options;
  struct log_directory *directories;
  size_t count;
  int ledger;  // what a server says of the bytes in its hands, for whoever comes after it; -1 where there can be none
};

// svlogd-directories.c. Root takes on the user of the first directory; false once it was said that it cannot.
bool log_take_user(struct log_program *program);
// Opens and locks all of them, again on HUP: what is held already stays so, and `old` gets what is to be closed later.
// Gives back how many can be used.
size_t log_open(struct log_program *program, struct log_directory *old);
void log_close(struct log_directory *directories, size_t count);
// Tells on standard error what cannot be used.
void log_tell_faults(const struct log_program *program);

// svlogd-request.c: the line of JSON that a server gets; NULL if it would be too long. Valid until the next call.
// `pid` 0 and the listener are for the process that we become; -1 is none.
const char *log_request(const struct log_program *program, pid_t pid, int listener, size_t *size);
// The same for a signal; HUP brings the directories anew.
const char *log_signal_request(const struct log_program *program, int signal, size_t *size);

// svlogd-server.c: a connection to the manager if it is of our own identity, else -1.
int log_find_manager(void);
// To the log process of our identity; else -1, with our own listener for it in `*listener` if we are to be it (else -1).
int log_find_process(int *listener);

// svlogd-hand.c: leaves our input to the server until it ends; its exit code, or one of these.
// LOST: it had our input, and has ended. UNHEARD: it ended before that. LATE: it does not answer.
enum { LOG_REFUSED = -1, LOG_LOST = -2, LOG_LATE = -3, LOG_UNHEARD = -4 };
int log_hand_over(struct log_program *program, int fd);
// To be called before anything is handed over.
void log_catch_signals(void);
// For the program that we become.
void log_release_signals(void);
#endif
