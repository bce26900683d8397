/* Virtual functions: number and place. Compiles for the host. Section numbers: PCI Express Base Specification 6.0. */
#pragma once
#include "pci.h"
#include "ranges.h"

/* `f` is to have `count` virtual functions (1 to sriov.total): its capability is set so, the ports above it forward to them, and
 * f->sriov says where they will be. They are off. Registers without a place below 4 GiB get one there, if the window above has
 * room; `busy`: what is used for something else. False: the function does not take the number, or its stride is impossible. */
bool sriov_prepare(const struct pci_config *, const struct pci *, struct pci_function *f, uint16_t count,
                   const struct ranges *busy);

void sriov_enable(const struct pci_config *, const struct pci_function *f);
