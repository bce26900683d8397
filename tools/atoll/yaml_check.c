/* YAML input against a libcyaml schema, with the line and the remedy in every complaint. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "yaml_check.h"

#define BRACKETS_MAX 1000u

/* What the file says is quoted, but does not speak to the terminal: no control characters, C1 in UTF-8 (C2 80 to C2 9F) included. */
static void printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != 0; p++)
        if (*p < ' ' || *p == 0x7f)
            *p = '?';
        else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
            p[0] = p[1] = '?';
}

int complain(struct complaint *why, const char *file, unsigned line, const char *format, ...)
{
    int n = snprintf(why->text, sizeof why->text, "%s:%u: ", file, line);
    if (n < 0 || (size_t)n >= sizeof why->text)
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(why->text + n, sizeof why->text - (size_t)n, format, args);
    va_end(args);
    printable(why->text);
    return -1;
}

unsigned yaml_line(const yaml_node_t *node)
{
    return node == NULL ? 1 : (unsigned)node->start_mark.line + 1;
}

yaml_node_t *yaml_root(struct yaml_source *s)
{
    return yaml_document_get_root_node(&s->document);
}

static const char *scalar_text(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static bool scalar_is(const yaml_node_t *node, const char *text)
{
    return node != NULL && node->type == YAML_SCALAR_NODE && strcmp(scalar_text(node), text) == 0;
}

yaml_node_t *yaml_value(struct yaml_source *s, yaml_node_t *mapping, const char *key)
{
    if (mapping == NULL || mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < mapping->data.mapping.pairs.top; p++)
        if (scalar_is(yaml_document_get_node(&s->document, p->key), key))
            return yaml_document_get_node(&s->document, p->value);
    return NULL;
}

yaml_node_t *yaml_entry(struct yaml_source *s, yaml_node_t *sequence, size_t n)
{
    if (sequence == NULL || sequence->type != YAML_SEQUENCE_NODE)
        return NULL;
    yaml_node_item_t *item = sequence->data.sequence.items.start + n;
    return item < sequence->data.sequence.items.top ? yaml_document_get_node(&s->document, *item) : NULL;
}

static int parse_failure(yaml_parser_t *parser, const char *file, struct complaint *why)
{
    /* What never ends is wrong where it began, not at the end of the file. */
    bool unended = parser->problem != NULL && strstr(parser->problem, "end of stream") != NULL && parser->context != NULL;
    const yaml_mark_t *mark = unended ? &parser->context_mark : &parser->problem_mark;
    return complain(why, file, (unsigned)mark->line + 1, "not YAML: %s; check indentation, quotes and colons here",
                    parser->problem == NULL ? "it cannot be read" : parser->problem);
}

/* libyaml's time grows with the square of how deeply '[' and '{' are nested. No description has many, so they are just counted. */
static bool is_bomb(const char *text, size_t size)
{
    size_t brackets = 0;
    for (size_t i = 0; i < size; i++)
        brackets += text[i] == '[' || text[i] == '{';
    return brackets > BRACKETS_MAX;
}

int yaml_source_open(struct yaml_source *s, const char *file, const char *text, size_t size, struct complaint *why)
{
    yaml_parser_t parser;
    if (is_bomb(text, size))
        return complain(why, file, 1, "more than %u brackets '[' and '{'; a description needs few", BRACKETS_MAX);
    if (!yaml_parser_initialize(&parser))
        return complain(why, file, 1, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    s->file = file;
    if (!yaml_parser_load(&parser, &s->document)) {
        parse_failure(&parser, file, why);
        yaml_parser_delete(&parser);
        return -1;
    }
    yaml_document_t second;
    int status = 0;
    if (yaml_root(s) == NULL) {
        status = complain(why, file, 1, "the file is empty; describe a 'machine' and its 'vms'");
    } else if (!yaml_parser_load(&parser, &second)) {
        status = parse_failure(&parser, file, why);
    } else {
        yaml_node_t *more = yaml_document_get_root_node(&second);
        if (more != NULL)
            status = complain(why, file, yaml_line(more), "a second document; write one description per file");
        yaml_document_delete(&second);
    }
    yaml_parser_delete(&parser);
    if (status != 0)
        yaml_document_delete(&s->document);
    return status;
}

void yaml_source_close(struct yaml_source *s)
{
    yaml_document_delete(&s->document);
}

/* "a, b, c" out of a mapping's keys or an enumeration's values. */
static void list_append(char *list, size_t size, const char *word)
{
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used == 0 ? "" : ", ", word);
}

static const struct cyaml_schema_field *field_find(const struct cyaml_schema_field *fields, const yaml_node_t *key)
{
    for (const struct cyaml_schema_field *f = fields; f->key != NULL; f++)
        if (scalar_is(key, f->key))
            return f;
    return NULL;
}

static int node_check(struct yaml_source *s, yaml_node_t *node, const struct cyaml_schema_value *schema, const char *name,
                      unsigned line, struct complaint *why);

static int mapping_check(struct yaml_source *s, yaml_node_t *node, const struct cyaml_schema_value *schema, const char *name,
                         unsigned line, struct complaint *why)
{
    const struct cyaml_schema_field *fields = schema->mapping.fields;
    char known[256] = "";
    for (const struct cyaml_schema_field *f = fields; f->key != NULL; f++)
        list_append(known, sizeof known, f->key);
    if (node->type != YAML_MAPPING_NODE)
        return complain(why, s->file, line, "'%s' has to be keys with values; the keys are: %s", name, known);

    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        yaml_node_t *key = yaml_document_get_node(&s->document, p->key);
        const struct cyaml_schema_field *f = field_find(fields, key);
        if (f == NULL)
            return complain(why, s->file, yaml_line(key), "unknown key '%s' in '%s'; the keys are: %s",
                            key->type == YAML_SCALAR_NODE ? scalar_text(key) : "(not a word)", name, known);
        for (yaml_node_pair_t *q = node->data.mapping.pairs.start; q < p; q++)
            if (scalar_is(yaml_document_get_node(&s->document, q->key), f->key))
                return complain(why, s->file, yaml_line(key), "'%s' is given twice in '%s'; keep one", f->key, name);
        if (node_check(s, yaml_document_get_node(&s->document, p->value), &f->value, f->key, yaml_line(key), why) != 0)
            return -1;
    }
    for (const struct cyaml_schema_field *f = fields; f->key != NULL; f++)
        if (!(f->value.flags & CYAML_FLAG_OPTIONAL) && yaml_value(s, node, f->key) == NULL)
            return complain(why, s->file, line, "'%s' has no '%s'; add '%s: ...'", name, f->key, f->key);
    return 0;
}

static int sequence_check(struct yaml_source *s, yaml_node_t *node, const struct cyaml_schema_value *schema, const char *name,
                          unsigned line, struct complaint *why)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return complain(why, s->file, line, "'%s' has to be a list; start each entry with '- '", name);
    size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count < schema->sequence.min)
        return complain(why, s->file, line, "'%s' is empty; write at least %u entry", name, schema->sequence.min);
    if (count > schema->sequence.max)
        return complain(why, s->file, yaml_line(yaml_entry(s, node, schema->sequence.max)),
                        "'%s' has %zu entries; at most %u are possible", name, count, schema->sequence.max);
    for (size_t i = 0; i < count; i++) {
        yaml_node_t *entry = yaml_entry(s, node, i);
        if (node_check(s, entry, schema->sequence.entry, name, yaml_line(entry), why) != 0)
            return -1;
    }
    return 0;
}

static bool is_uint32(const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] == '0' && text[1] != 0) /* libcyaml would read an octal number */
        return false;
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0 && value <= UINT32_MAX;
}

static int scalar_check(struct yaml_source *s, yaml_node_t *node, const struct cyaml_schema_value *schema, const char *name,
                        unsigned line, struct complaint *why)
{
    if (node->type != YAML_SCALAR_NODE)
        return complain(why, s->file, line, "'%s' has to be one value, not a list or keys", name);
    const char *text = scalar_text(node);
    size_t length = node->data.scalar.length;
    if (strlen(text) != length)
        return complain(why, s->file, line, "'%s' contains a zero byte; remove it", name);
    switch (schema->type) {
    case CYAML_UINT:
        if (!is_uint32(text))
            return complain(why, s->file, line, "'%s' is '%s'; write a whole number", name, text);
        return 0;
    case CYAML_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return complain(why, s->file, line, "'%s' is '%s'; write true or false", name, text);
        return 0;
    case CYAML_ENUM: {
        char choices[256] = "";
        for (uint32_t i = 0; i < schema->enumeration.count; i++) {
            if (strcmp(schema->enumeration.strings[i].str, text) == 0)
                return 0;
            list_append(choices, sizeof choices, schema->enumeration.strings[i].str);
        }
        return complain(why, s->file, line, "'%s' is '%s'; write one of: %s", name, text, choices);
    }
    case CYAML_STRING:
        if (length < schema->string.min)
            return complain(why, s->file, line, "'%s' is empty; write its value or leave the key out", name);
        if (length > schema->string.max)
            return complain(why, s->file, line, "'%s' is %zu bytes long; at most %u are possible", name, length, schema->string.max);
        return 0;
    default:
        return complain(why, s->file, line, "'%s' is of a type that this program cannot check", name);
    }
}

static int node_check(struct yaml_source *s, yaml_node_t *node, const struct cyaml_schema_value *schema, const char *name,
                      unsigned line, struct complaint *why)
{
    if (schema->type == CYAML_MAPPING)
        return mapping_check(s, node, schema, name, line, why);
    if (schema->type == CYAML_SEQUENCE)
        return sequence_check(s, node, schema, name, line, why);
    return scalar_check(s, node, schema, name, line, why);
}

int yaml_source_check(struct yaml_source *s, const struct cyaml_schema_value *schema, struct complaint *why)
{
    return node_check(s, yaml_root(s), schema, "the description", yaml_line(yaml_root(s)), why);
}
