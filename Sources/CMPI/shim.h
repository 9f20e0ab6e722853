// Only for its pkg-config file, which says where mpi.h lies: MPI's handles are macros that Swift cannot import.
