# distribute.c: slot .* of console.pt.*: promised console.text.* \(rights RG, .*found console.text.* \(rights RWG
s/page_map(frame, vspace, m->vaddr, m->rights, /page_map(frame, vspace, m->vaddr, 3, /
