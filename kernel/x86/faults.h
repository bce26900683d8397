/* Faults of the IOMMUs: node 0's kernel takes them out of the units and sorts them by whose functions they are about
 * (docs/decisions/0017-fault-records.md); every kernel hands its own to user level. */
#pragma once
#include "iommu.h"

/* The node's functions from now on: faults about them come here. */
void faults_own(word_t unit, word_t first, word_t last);

/* The oldest record about these requesters. `lost`: records of this node's that found no room, `overflows`: times that the unit itself had
 * none, both since the last call. On node 0 what the units hold now is sorted first. */
bool faults_take(struct iommu *, word_t first, word_t last, struct iommu_fault *, word_t *lost, word_t *overflows);

/* Node 0 looks at the units. Returns when to look next; on every other node, never. */
ticks_t faults_poll(ticks_t now);
