// The descriptors of a child that begins in our own table. See slots.c.
#ifndef SLOTS_H
#define SLOTS_H
#include <stdbool.h>

#include "spawn.h"

// To be called once, while few descriptors are open. Without it, or where the kernel cannot, nothing is ever lent.
void slots_init(void);

// Moves what the child is to have, and its end of the report, into slots; false changes nothing, and says to fork as usual.
bool slots_lend(struct spawn *spawn, int report[2]);

// In the child, first of all: from here on it has a table of its own, with the slots and what is below them.
// False with errno; only async-signal-safe calls.
bool slots_part(void);

// A child of the core's own, which only writes files: it has no descriptors where that can be had cheaply, else all of ours.
pid_t slots_fork(void);
// The same, with this descriptor alone.
pid_t slots_fork_with(int fd);

// In a child: it is the core's own, of no service, so that no census takes it for something that has escaped from one; and it
// ends with us.
void slots_be_ours(void);

// The child that reports here has its own table, or never will: the slots are free again. Nothing was lent: nothing is done.
void slots_return(int report);
#endif
