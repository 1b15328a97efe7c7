// A log that scrolls through a command-line argument of our own, to be read in `ps`.
#ifndef TITLE_H
#define TITLE_H
#include <stdbool.h>
#include <stdint.h>

// The reading end of the pipe that standard error then is; -1 while there is no such log.
extern int title_fd;
// Makes standard error that pipe; descriptors 0-2 are open. The argument keeps its first five characters; false with errno.
bool title_begin(char *argument);
// Shows what is in the pipe; never waits.
void title_read(void);
// A dot is due every 15 minutes, so that old words go by: when, in ms of `now`'s clock.
int64_t title_deadline(int64_t now);
void title_dot(int64_t now);
// Frees the numbers from 3 for whoever closes all he does not know; gives back the first that he may close.
unsigned title_keep(void);
// Shows another program name to `ps` and to whoever looks for processes by theirs. The words move with it.
void title_rename(char **argv, const char *name);
#endif
