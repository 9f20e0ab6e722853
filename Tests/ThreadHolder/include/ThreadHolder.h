// Holds one thread of a child process, as the system does that gives its processor to others, while the other threads run on.
#ifndef THREAD_HOLDER_H
#define THREAD_HOLDER_H

// Stops `thread` of a child of this process and returns once it stands still; 0, or the system's error. No signal is
// delivered to it: nothing is written to its stack, and what it waits for is waited for again.
int ek_test_hold(int thread);

// Lets it run on; by the calling thread that holds it.
int ek_test_release(int thread);

#endif
