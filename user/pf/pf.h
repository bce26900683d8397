/* What all PF drivers have in common: their function's configuration space, their one MSI-X vector, the pages of their VFs. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <atoll/vf.h>

/* Memory decoding and bus mastering on, MSI-X vector 0 to PF_SLOT_MESSAGE, on. `msix_bar`: where the table is. */
bool pf_start(unsigned msix_bar, char *why, size_t why_size);

/* A request that has not been answered yet, copied. */
bool pf_request_take(unsigned vf, struct vf_request *);
void pf_answer(unsigned vf, const struct vf_request *, const struct vf_answer *);
