/* The thin client's request: the command's words, and what a terminal would want to be known, as one line of JSON. */
#define _GNU_SOURCE
#include "client-parts.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The server takes lines of at most this many bytes. */
#define REQUEST_MAX 65536

static char request[REQUEST_MAX + 2];
static size_t request_size;
static int request_full;

static void put(const char *bytes, size_t size) {
  if (size > REQUEST_MAX - request_size) {
    request_full = 1;
    return;
  }
  memcpy(request + request_size, bytes, size);
  request_size += size;
}

void request_text(const char *text) {
  put(text, strlen(text));
}

/* How many bytes at `s` are one well-formed UTF-8 character (RFC 3629); 0 if they are none. */
static size_t utf8_length(const unsigned char *s) {
  unsigned char low = 0x80, high = 0xbf;
  size_t length;
  if (s[0] < 0x80)
    return 1;
  if (s[0] >= 0xc2 && s[0] <= 0xdf)
    length = 2;
  else if (s[0] >= 0xe0 && s[0] <= 0xef)
    length = 3;
  else if (s[0] >= 0xf0 && s[0] <= 0xf4)
    length = 4;
  else
    return 0;
  /* No second spelling of a shorter one, no surrogates, nothing beyond the last character. */
  if (s[0] == 0xe0)
    low = 0xa0;
  else if (s[0] == 0xed)
    high = 0x9f;
  else if (s[0] == 0xf0)
    low = 0x90;
  else if (s[0] == 0xf4)
    high = 0x8f;
  if (s[1] < low || s[1] > high)
    return 0;
  for (size_t i = 2; i < length; i++)
    if (s[i] < 0x80 || s[i] > 0xbf)
      return 0;
  return length;
}

/* A JSON string; what is no UTF-8 becomes U+FFFD, byte by byte. */
void request_string(const char *text) {
  request_text("\"");
  for (const unsigned char *s = (const unsigned char *)text; *s != 0;) {
    size_t length = utf8_length(s);
    char escape[8];
    if (length == 0) {
      request_text("\\ufffd");
      length = 1;
    } else if (*s == '"' || *s == '\\') {
      escape[0] = '\\';
      escape[1] = (char)*s;
      put(escape, 2);
    } else if (*s < 0x20 || *s == 0x7f) {
      snprintf(escape, sizeof escape, "\\u%04x", *s);
      request_text(escape);
    } else {
      put((const char *)s, length);
    }
    s += length;
  }
  request_text("\"");
}

/* The terminal's width, 80 where nobody knows. */
static int columns(void) {
  struct winsize size;
  if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char *text = getenv("COLUMNS");
  long number = text == NULL ? 0 : strtol(text, NULL, 10);
  return number > 0 && number < 10000 ? (int)number : 80;
}

/* Colours on a terminal that knows them, unless nobody wants them (no-color.org). */
static int color(int tty) {
  const char *no = getenv("NO_COLOR");
  const char *term = getenv("TERM");
  return tty && (no == NULL || *no == 0) && (term == NULL || strcmp(term, "dumb") != 0);
}

void request_begin(void) {
  request_size = 0;
  request_full = 0;
}

const char *request_end(size_t *size) {
  /* One byte is always left for the newline. */
  request[request_size++] = '\n';
  *size = request_size;
  request[request_size] = 0;
  return request_full ? NULL : request;
}

const char *client_request(int argc, char **argv, int resumed, size_t *size) {
  char cwd[PATH_MAX];
  char facts[96];
  const int tty = isatty(1);
  request_begin();
  request_text("{\"v\":1,\"exec\":[");
  for (int i = 1; i < argc; i++) {
    if (i > 1)
      request_text(",");
    request_string(argv[i]);
  }
  snprintf(facts, sizeof facts, "],\"tty\":%s,\"columns\":%d,\"color\":%s,\"resumed\":%s,\"cwd\":",
    tty ? "true" : "false", columns(), color(tty) ? "true" : "false", resumed ? "true" : "false");
  request_text(facts);
  /* A directory that was removed has no name; then only paths from the root can be used. */
  request_string(getcwd(cwd, sizeof cwd) != NULL ? cwd : "");
  request_text("}");
  return request_end(size);
}
