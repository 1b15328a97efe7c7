// What is in a supervise directory, opened. Only async-signal-safe calls: a child may make them, too.
#ifndef SUPERVISE_OPEN_H
#define SUPERVISE_OPEN_H
#include <stdbool.h>
#include <sys/types.h>

// What failed, as the manager is told it.
enum supervise_step { STEP_OF_MEMORY, STEP_OF_DIRECTORY, STEP_OF_LOCK, STEP_OF_CONTROL, STEP_OF_OK };
const char *supervise_step_name(enum supervise_step step);

// Which file a lock is.
struct lock_file {
  dev_t device;
  ino_t inode;
};

// Locks the directory, or says with EWOULDBLOCK that somebody else has; with `makes` it is made where it is missing, or what
// it is a link to. 0, or an errno with its step.
int supervise_lock(const char *path, bool makes, int *fd, struct lock_file *file, enum supervise_step *step);
// Opens its fifos, `control` first, if the lock there is this one. What stands in the place of a fifo is taken away. 0, or an
// errno with its step.
int supervise_fifos(const char *path, const struct lock_file *lock, int fds[2], enum supervise_step *step);
// True, with EMFILE, if so few descriptors are left that this one is for others.
bool supervise_scarce(int fd);
#endif
