# distribute.c: slot 1 of manager.cnode: promised manager.endpoint \(rights R,.*found manager.endpoint \(rights RWGP
s/INIT_DEPTH, c->rights), "copy"/INIT_DEPTH, SEL4_ALL_RIGHTS), "copy"/
