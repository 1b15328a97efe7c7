/* What the parts of the thin client have in common; nobody else includes this. */
#ifndef UPKEEP_CLIENT_PARTS_H
#define UPKEEP_CLIENT_PARTS_H

#include <stddef.h>

/* Exit codes that are the client's own; the others come from the manager. */
enum { FAILED = 1, NOT_PERMITTED = 5, UNREACHABLE = 7, USAGE = 64, BROKEN_PIPE = 141 };

/* One sentence to standard error; gives back `code`. Where even that cannot be written, the code must do. */
__attribute__((format(printf, 2, 3))) int client_complain(int code, const char *format, ...);

/* Writes all of it, also where the descriptor is non-blocking; -1 with errno where that cannot be done. */
int client_write(int fd, const char *bytes, size_t size);

/* client-request.c: builds the one line of JSON; NULL if it is too long for the server. `resumed`: it was sent before,
 * and something came back. The line is valid until the next call. */
const char *client_request(int argc, char **argv, int resumed, size_t *size);

/* The same pen for other requests: between these two, text as it stands and JSON strings (what is no UTF-8 becomes
 * U+FFFD). The end gives the line with its newline, or NULL if it is too long. */
void request_begin(void);
void request_text(const char *text);
void request_string(const char *text);
const char *request_end(size_t *size);

/* client-socket.c: connects to the supervisor's socket, which may come within `patience` ms; -1 once it has said why
 * not, with the exit code in `code`. */
int client_connect(int patience, int *code);

/* A connection to a supervisor that is there now; -1 without a word where there is none. */
int client_reach(void);

/* Sends all of it; -1 if the other end has gone. */
int client_send(int fd, const char *bytes, size_t size);

/* What a reply can end with, besides an exit code: the manager has gone, nobody reads our output, it makes no sense,
 * our output cannot be written (errno says why). */
enum { LOST = -1, NO_READER = -2, GARBLED = -3, NOT_WRITTEN = -4 };

/* client-reply.c: copies the reply to our output until its end; the exit code or one of the above. `came` is set once
 * something was printed. */
int client_receive(int fd, int *came);

#endif
