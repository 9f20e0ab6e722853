#define _GNU_SOURCE
#include "ThreadHolder.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int ek_test_hold(int thread) {
  if (ptrace(PTRACE_SEIZE, thread, NULL, NULL)) return errno;
  if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL)) return errno;
  int status = 0;
  while (waitpid(thread, &status, __WALL) < 0)
    if (errno != EINTR) return errno;
  return WIFSTOPPED(status) ? 0 : ESRCH;
}

int ek_test_release(int thread) { return ptrace(PTRACE_DETACH, thread, NULL, NULL) ? errno : 0; }
