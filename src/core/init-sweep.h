// What is left when the command of init mode has ended.
#ifndef INIT_SWEEP_H
#define INIT_SWEEP_H

// From TERM to KILL where no grace is given (ms): with it and a command that ends by itself, still under Docker's 10 s.
#define SWEEP_GRACE 5000
// Between one KILL of everybody and the next (ms): those whose parent was killed become ours only then.
#define SWEEP_AGAIN 100

// Signals every process of our PID namespace as its init, elsewhere all our descendants.
void sweep(int signal);
#endif
