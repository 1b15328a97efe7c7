/* The thin client: sends a command's words to the control socket, copies what comes back. */
#ifndef UPKEEP_CLIENT_H
#define UPKEEP_CLIENT_H

/* 1 if `word` is a command for a running supervisor (an alias counts); lint and help are not, they need none. */
int client_knows(const char *word);

/* The command that is called `word` elsewhere, that begins so, or that one slip makes of it; else NULL. */
const char *client_nearest(const char *word);

/* Opens what is closed of the standard descriptors: else they would become a socket or a file of ours, which gets our
 * output. For reading alone, so that a write fails as it would have. -1 if it cannot be done. */
int client_fill_descriptors(void);

/* Writes all of the text to standard output; the code to leave with, once it is told why that could not be done. */
int client_print(const char *text);

/* Runs argv[1..] there; gives back the code to leave with. Never needs more than its own fixed buffers. */
int client_main(int argc, char **argv);

/* The runtime directories that we trust, in the order in which a supervisor is looked for; NULL behind the last. Valid until
 * the next call. */
const char *client_runtime_dir(int index);

#endif
