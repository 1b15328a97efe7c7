#ifndef PID1_H
#define PID1_H
#include <stdbool.h>
#include <sys/types.h>

// Told to us, and by us to the manager like any other signal, when our face has ended: RTMAX, which nobody sends.
#define SIGNAL_FACE_GONE 64
// The process that stands for us to whoever signals it and waits for it (runsvdir); 0 if there is none.
extern pid_t pid1_face;

// Opens /dev/null for each of descriptors 0-2 that is closed; false with errno.
bool streams_open(void);

// Runs the supervisor: starts the manager with these arguments and leaves only when all is stopped, by exit().
// Returns an exit code only where it could not even begin.
int pid1_main(char **arguments, char **environment);
#endif
