// snprintf for this program, in the place of the C library's: that one brings floating point and all its kin, 9 KB of a
// command of a little over 100. It knows what is used here: %s %c %d %i %u %x, with l, ll or z, a width that may be
// filled with zeros, and a precision for %s. What it does not know it copies as it stands.
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct sink {
  char *at;
  size_t room, length;  // room without the last NUL; length as if there were room for all
};

static void put(struct sink *sink, const char *text, size_t length) {
  size_t part = sink->length < sink->room ? sink->room - sink->length : 0;
  if (part > length) part = length;
  if (part) memcpy(sink->at + sink->length, text, part);
  sink->length += length;
}

static void put_number(struct sink *sink, uint64_t number, bool negative, unsigned base, size_t width, char fill) {
  char digits[64];
  size_t at = sizeof digits;
  do digits[--at] = "0123456789abcdef"[number % base];
  while ((number /= base) > 0);
  // Zeros stand behind the sign, blanks before it.
  if (negative && fill == ' ') digits[--at] = '-';
  while (sizeof digits - at + (negative && fill == '0') < width && at > 1) digits[--at] = fill;
  if (negative && fill == '0') digits[--at] = '-';
  put(sink, digits + at, sizeof digits - at);
}

struct spec {
  size_t width, precision;
  char fill;
  int longs;  // 0 for int, 1 for long and size_t, 2 for long long
};

static int64_t signed_of(va_list *arguments, int longs) {
  return longs == 0 ? va_arg(*arguments, int) : longs == 1 ? va_arg(*arguments, long) : va_arg(*arguments, long long);
}

static uint64_t unsigned_of(va_list *arguments, int longs) {
  return longs == 0 ? va_arg(*arguments, unsigned) : longs == 1 ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned long long);
}

static size_t number_in(const char **format) {
  size_t number = 0;
  while (**format >= '0' && **format <= '9') number = number * 10 + (size_t)(*(*format)++ - '0');
  return number;
}

// Behind the `%`; leaves `format` at the letter.
static struct spec read_spec(const char **format, va_list *arguments) {
  struct spec spec = {.precision = SIZE_MAX, .fill = ' '};
  if (**format == '0') spec.fill = '0';
  spec.width = number_in(format);
  if (**format == '.') {
    ++*format;
    if (**format == '*') {
      int given = va_arg(*arguments, int);
      if (given >= 0) spec.precision = (size_t)given;
      ++*format;
    } else {
      spec.precision = number_in(format);
    }
  }
  for (; **format == 'l' || **format == 'z'; ++*format) spec.longs++;
  return spec;
}

static void put_argument(struct sink *sink, char letter, const struct spec *spec, va_list *arguments) {
  if (letter == 's') {
    const char *text = va_arg(*arguments, const char *);
    put(sink, text, strnlen(text, spec->precision));
  } else if (letter == 'c') {
    char character = (char)va_arg(*arguments, int);
    put(sink, &character, 1);
  } else if (letter == 'd' || letter == 'i') {
    int64_t number = signed_of(arguments, spec->longs);
    put_number(sink, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0, 10, spec->width, spec->fill);
  } else if (letter == 'u' || letter == 'x') {
    put_number(sink, unsigned_of(arguments, spec->longs), false, letter == 'x' ? 16 : 10, spec->width, spec->fill);
  } else {
    put(sink, &letter, 1);
  }
}

int vsnprintf(char *text, size_t size, const char *format, va_list given) {
  struct sink sink = {text, size ? size - 1 : 0, 0};
  va_list arguments;
  va_copy(arguments, given);
  while (*format) {
    size_t plain = strcspn(format, "%");
    put(&sink, format, plain);
    format += plain;
    if (!*format || !*++format) break;
    struct spec spec = read_spec(&format, &arguments);
    if (!*format) break;
    put_argument(&sink, *format++, &spec, &arguments);
  }
  va_end(arguments);
  if (size) text[sink.length < sink.room ? sink.length : sink.room] = '\0';
  return (int)sink.length;
}

int snprintf(char *text, size_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, size, format, arguments);
  va_end(arguments);
  return length;
}
