// What Linux offers and Swift cannot name.
#ifndef EVENKEEL_CLINUX_H
#define EVENKEEL_CLINUX_H

#include <sys/types.h>

// A file in `folder` that has no name yet and is gone when it is closed, open for reading and writing. -1 and errno where that is not possible.
int clinux_open_unnamed(const char *folder, mode_t mode);

// Gives such a file a name, which nothing may have. -1 and errno where that is not possible.
int clinux_link_unnamed(int descriptor, const char *path);

// The number of processors that this process may run on; -1 and errno where the system does not say.
int clinux_allowed_processors(void);

// A number that tells the sets of processors apart that a process may run on; 0 where the system does not say.
unsigned clinux_processor_set(void);

// The arguments of the process as it was started with them, NULL behind the last. Swift reads them from /proc, which may not be
// mounted.
char **clinux_arguments(void);

#endif
