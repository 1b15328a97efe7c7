#ifndef MY_INIT_H
#define MY_INIT_H
#include <stdbool.h>

// Runs as my_init of phusion/baseimage-docker; returns an exit code only where it could not even begin.
int my_init_main(char **argv);

// True for an option of my_init, which may also stand behind `--compat baseimage`.
bool my_init_has(const char *word);
#endif
