/* The kernel's state, all of it. */
#include "state.h"

struct kernel kernel;
