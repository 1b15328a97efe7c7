#ifndef PID1_H
#define PID1_H

// Runs the supervisor: starts the manager with these arguments and leaves only when all is stopped, by exit().
// Returns an exit code only where it could not even begin.
int pid1_main(char **arguments, char **environment);
#endif
