// The kernel's signals by name and number: 1 to 31 by their names, 34 to 64 from RTMIN and RTMAX, whatever libc hides.
#ifndef SIGNALS_H
#define SIGNALS_H

#define SIGNAL_MAX 64
#define SIGNAL_RTMIN 34
#define SIGNAL_BIT(signal) (1ull << ((signal)-1))

// The number of `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3` or `RTMAX-1`; -1 if there is no such signal.
int signal_number(const char *text);

struct signal_name {
  char text[16];
};
// `TERM`, `RTMIN+3`; the number where there is no name.
struct signal_name signal_name(int number);
#endif
