/* Positions and sentences for YAML input.
 *
 * libcyaml loads strictly but tells a user little: no line for a key, no list of what would be right. So the same libcyaml
 * schema is first walked over libyaml's document tree, which knows the line of every node; only a document that fits is
 * loaded. The schema stays the one description of the format. */
#pragma once
#include <cyaml/cyaml.h>
#include <stdio.h>
#include <yaml.h>
#include "description.h"

struct yaml_source {
    const char *file;
    yaml_document_t document;
};

/* Parse FILE's text. Returns 0, or -1 with the complaint set and nothing to free. */
int yaml_source_open(struct yaml_source *s, const char *file, const char *text, size_t size, struct complaint *why);
void yaml_source_close(struct yaml_source *s);

/* Does the document fit the schema: no unknown, missing or repeated key, every value of its type? */
int yaml_source_check(struct yaml_source *s, const struct cyaml_schema_value *schema, struct complaint *why);

/* The root; the value of a key in a mapping; the n-th entry of a sequence. NULL for what is not there. */
yaml_node_t *yaml_root(struct yaml_source *s);
yaml_node_t *yaml_value(struct yaml_source *s, yaml_node_t *mapping, const char *key);
yaml_node_t *yaml_entry(struct yaml_source *s, yaml_node_t *sequence, size_t n);
unsigned yaml_line(const yaml_node_t *node); /* counted from 1 */

/* Set the complaint to "FILE:LINE: ..." and return -1. */
int complain(struct complaint *why, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
