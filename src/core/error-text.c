// Texts for errors in glibc's words, where musl's are others: scripts and people know those of the originals.
#include <errno.h>
#include <string.h>

#include "init.h"

static const struct {
  int error;
  const char *text;
} texts[] = {
    {EIO, "Input/output error"},
    {ELOOP, "Too many levels of symbolic links"},
    {ENAMETOOLONG, "File name too long"},
    {ENOMEM, "Cannot allocate memory"},
    {ENOTTY, "Inappropriate ioctl for device"},
    {ENXIO, "No such device or address"},
    {ELIBBAD, "Accessing a corrupted shared library"},
    {EINVAL, "Invalid argument"},
};

const char *error_text(int error) {
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i].error == error) return texts[i].text;
  return strerror(error);
}
