# distribute.c: slot .* of vmm.cnode: promised .*badge 0x100.*, found .*badge 0x0
s/} else if (c->badge) {/} else if (c->badge \&\& o->type != SEL4_ENDPOINT) {/
