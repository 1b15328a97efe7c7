#ifndef PID1_H
#define PID1_H

// A fact that the manager leaves unanswered for this long (ms) means that the manager is stuck.
#define FACT_PATIENCE 30000

// Runs the supervisor: starts the manager with these arguments and leaves only when all is stopped, by exit().
// Returns an exit code only where it could not even begin.
int pid1_main(char **arguments, char **environment);
#endif
