# seal.c: init still holds a capability of kind 14 in slot 4
s/if (slot != SEL4_CAP_INIT_TCB /if (slot != SEL4_CAP_IRQ_CONTROL \&\& slot != SEL4_CAP_INIT_TCB /
