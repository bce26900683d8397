/* IPI capabilities. */
#pragma once
#include "../arch.h"

status_t ipi_invoke(struct invocation *);
