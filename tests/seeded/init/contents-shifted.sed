# objects.c: console.text.*: the frame is not what was promised: parameter .fill.
s/INIT_FILL_VA + f->offset, v->data + f->data, f->length)/INIT_FILL_VA + f->offset, v->data + f->data, f->length - (f->length < 4096))/
