#ifndef INIT_H
#define INIT_H

// Init mode: runs one child with everything that we inherited, hands every signal on to it, reaps all orphans, and
// returns its exit code, 128+N for a signal; 126 where it cannot be executed, 127 where it is not there.
int init_main(char **argv, char **environment);
#endif
