// Counts the allocations of the calling thread: malloc and related functions are replaced in the test program.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

// The allocations that the calling thread made so far.
long ek_test_allocations(void);

#endif
