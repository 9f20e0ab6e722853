#define _GNU_SOURCE
#include "clinux.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int clinux_open_unnamed(const char *folder, mode_t mode) {
  return open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, mode);
}

int clinux_link_unnamed(int descriptor, const char *path) {
  char name[32];
  snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  return linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

int clinux_allowed_processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) ? -1 : CPU_COUNT(&set);
}

unsigned clinux_processor_set(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return 0;
  unsigned hash = 0;
  for (int processor = 0; processor < CPU_SETSIZE; processor++) hash = hash * 31 + (CPU_ISSET(processor, &set) ? 1 : 7);
  return hash;
}

static char *none[] = {NULL};
static char **arguments = none;

// glibc hands constructors what it hands main.
__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
  if (argc > 0) arguments = argv;
}

char **clinux_arguments(void) { return arguments; }
