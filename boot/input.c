#include "bytes.h"
#include "input.h"

const struct module *input_module(const struct boot_input *in, const char *name)
{
    for (unsigned i = 0; i < in->module_count; i++)
        if (strcmp(in->modules[i].name, name) == 0)
            return &in->modules[i];
    return NULL;
}
