// The programs around runit's scan directory: each takes its own name as argv[0], and gives back an exit code.
#ifndef RUNSVDIR_H
#define RUNSVDIR_H

int runsvdir_main(char **argv);
int runsv_main(char **argv);
int runsvchdir_main(char **argv);
#endif
