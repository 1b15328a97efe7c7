// The longer texts of tini's face.
#ifndef TINI_TEXT_H
#define TINI_TEXT_H

#define VERSION "tini version 0.19.0"

// The program's name three times.
static const char help[] =
    "%s (" VERSION ")\n"
    "Usage: %s [OPTIONS] PROGRAM -- [ARGS] | --version\n\n"
    "Execute a program under the supervision of a valid init process (%s)\n\n"
    "Command line options:\n\n"
    "  --version: Show version and exit.\n"
    "  -h: Show this help message and exit.\n"
    "  -s: Register as a process subreaper (requires Linux >= 3.4).\n"
    "  -p SIGNAL: Trigger SIGNAL when parent dies, e.g. \"-p SIGKILL\".\n"
    "  -v: Generate more verbose output. Repeat up to 3 times.\n"
    "  -w: Print a warning when processes are getting reaped.\n"
    "  -g: Send signals to the child's process group.\n"
    "  -e EXIT_CODE: Remap EXIT_CODE (from 0 to 255) to 0.\n"
    "  -l: Show license and exit.\n\n"
    "Environment variables:\n\n"
    "  TINI_SUBREAPER: Register as a process subreaper (requires Linux >= 3.4).\n"
    "  TINI_VERBOSITY: Set the verbosity level (default: 1).\n"
    "  TINI_KILL_PROCESS_GROUP: Send signals to the child's process group.\n\n";

// Of upkeep itself: nothing of tini is in here.
static const char license[] =
    "MIT License\n\n"
    "Copyright (c) 2026 the upkeep authors\n\n"
    "Permission is hereby granted, free of charge, to any person obtaining a copy\n"
    "of this software and associated documentation files (the \"Software\"), to deal\n"
    "in the Software without restriction, including without limitation the rights\n"
    "to use, copy, modify, merge, publish, distribute, sublicense, and/or sell\n"
    "copies of the Software, and to permit persons to whom the Software is\n"
    "furnished to do so, subject to the following conditions:\n\n"
    "The above copyright notice and this permission notice shall be included in all\n"
    "copies or substantial portions of the Software.\n\n"
    "THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR\n"
    "IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,\n"
    "FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE\n"
    "AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER\n"
    "LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,\n"
    "OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE\n"
    "SOFTWARE.\n";

static const char subreaper_advice[] =
    "Tini is not running as PID 1 and isn't registered as a child subreaper.\n"
    "Zombie processes will not be re-parented to Tini, so zombie reaping won't work.\n"
    "To fix the problem, use the -s option or set the environment variable TINI_SUBREAPER to register Tini as a child "
    "subreaper, or run Tini as PID 1.";
#endif
