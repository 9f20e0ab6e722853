// pulse SECONDS TIMEOUT: exchanges as training does for so long, and prints what one takes. Where nothing comes for
// TIMEOUT seconds it says who is missing, and ends all ranks.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "collectives.h"

static ek_comm *comm;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void stop_on(ek_comm_status status) {
  if (!status) return;
  int rank = ek_comm_rank(comm);
  fprintf(stderr, "[rank %d (%s)] %s\n", rank, ek_comm_host(comm, rank), ek_comm_error(comm));
  ek_comm_abort(comm, 69);
}

int main(int argc, char **argv) {
  enum { channels = 64, floats = 272474 };  // resnet20's gradients
  if (argc != 3) return 64;
  if (ek_comm_start(&comm)) {
    fprintf(stderr, "%s\n", ek_comm_error(NULL));
    return 69;
  }
  int size = ek_comm_size(comm), rank = ek_comm_rank(comm), steps = 0;
  size_t starts[1025];
  for (int i = 0; i <= size; i++) starts[i] = (size_t)i;
  float *gradient = calloc(floats, sizeof *gradient), statistics[2 * channels] = {0};
  ek_comm_yield(comm, true);
  ek_comm_timeout(comm, atof(argv[2]));
  printf("rank %d (%s) is process %d\n", rank, ek_comm_host(comm, rank), (int)getpid());
  fflush(stdout);
  double begin = now(), in_statistics = 0, in_gradients = 0;
  for (double end = 0; end <= 0; steps++) {
    double first = now();
    for (int i = 0; i < 20; i++) stop_on(ek_comm_sum(comm, statistics, 2 * channels, 2 * channels, starts));
    double second = now();
    stop_on(ek_comm_sum(comm, gradient, floats, floats, starts));
    in_statistics += second - first, in_gradients += now() - second;
    end = now() - begin - atof(argv[1]);
    stop_on(ek_comm_agree(comm, &end, 1));
  }
  if (rank == 0)
    printf("%d ranks: an exchange of %d channels takes %.3g ms, of %d gradients %.3g ms\n", size, channels,
           1e3 * in_statistics / steps / 20, floats, 1e3 * in_gradients / steps);
  free(gradient);
  ek_comm_end(comm);
  return 0;
}
