// What svlogd says to a server: lines of JSON, made with the thin client's pen.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "client-parts.h"
#include "runit-text.h"
#include "svlogd.h"

static void put_number(const char *name, long number) {
  char text[48];
  snprintf(text, sizeof text, ",\"%s\":%ld", name, number);
  request_text(text);
}

// Names and what could not be opened, in their order: the server tells of both as it opens the rest.
static void put_directories(const struct log_program *program) {
  request_text(",\"dirs\":[");
  for (size_t i = 0; i < program->count; i++) {
    const struct log_directory *directory = &program->directories[i];
    char text[4096 + 256];
    if (i > 0) request_text(",");
    if (directory->fault) {
      snprintf(text, sizeof text, "%s%.4096s: %s", directory->fault, directory->name, runit_error(directory->error));
      request_text("{\"warning\":");
      request_string(text);
    } else {
      request_text("{\"name\":");
      request_string(directory->name);
      put_number("fd", directory->fd);
    }
    request_text("}");
  }
  request_text("]");
}

const char *log_request(const struct log_program *program, pid_t pid, int listener, size_t *size) {
  static const char digits[] = "0123456789abcdef";
  const struct log_options *options = &program->options;
  request_begin();
  request_text("{\"v\":1,\"do\":\"svlogd\"");
  put_number("pid", pid);
  put_number("ledger", program->ledger);
  put_number("listener", listener);
  put_number("stamp", options->stamp);
  put_number("replacement", options->replacement);
  put_number("lineMax", (long)options->line_max);
  put_number("verbose", options->verbose);
  request_text(",\"replaced\":\"");
  for (const char *byte = options->replaced ? options->replaced : ""; *byte; byte++) {
    const char hex[3] = {digits[(unsigned char)*byte >> 4], digits[*byte & 15], 0};
    request_text(hex);
  }
  request_text("\"");
  put_directories(program);
  request_text("}");
  return request_end(size);
}

const char *log_signal_request(const struct log_program *program, int signal, size_t *size) {
  request_begin();
  request_text("{\"signal\":");
  request_string(signal == SIGTERM ? "TERM" : signal == SIGHUP ? "HUP" : "ALRM");
  if (signal == SIGHUP) put_directories(program);
  request_text("}");
  return request_end(size);
}
