/* PCI functions by name: what is bound, what the SR-IOV capability is told, and every refusal with its sentence. The machine: fake_pci.h. */
#include <stdio.h>
#include "fake_pci.h"
#include "boot/functions.h"

#define NIC 0x100
#define NIC_ID (0x8086u | 0x10c9u << 16)

static union { struct system_header header; uint8_t bytes[sizeof(struct system_header) + 16 * sizeof(struct system_request)]; } s;
static struct iommus units;
static struct acpi_mcfg mcfg;
static struct ranges ram, kept;
static struct functions functions;
static struct functions_input in;
static char reason[320];

static struct system_request *ask(uint32_t kind, uint32_t node, const char *name, uint64_t arg0, uint64_t arg1, uint64_t size)
{
    struct system_request *r = &((struct system_request *)(s.bytes + sizeof s.header))[s.header.request_count++];
    *r = (struct system_request){.kind = kind, .node = node, .size = size, .arg0 = arg0, .arg1 = arg1};
    snprintf(r->name, sizeof r->name, "%s", name);
    return r;
}

static int begin(void **state)
{
    machine(state);
    memset(&s, 0, sizeof s);
    memset(&units, 0, sizeof units);
    fakes[2].value[0x168 / 4] = 1; /* the firmware left them on: sizes are found all the same */
    assert_true(pci_scan(&config, 0, 0, 255, &pci));
    units.unit_count = 2;
    units.scope_count = 2;
    units.scopes[0] = (struct iommu_scope){.unit = 1, .source = SOURCE_SUBTREE, .path = {.bus = 0, .hops = 1, .devfn = {8}}};
    units.scopes[1] = (struct iommu_scope){.unit = 0, .source = SOURCE_ALL};
    mcfg = (struct acpi_mcfg){.count = 1, .segments = {{.base = 0xb0000000, .first_bus = 0, .last_bus = 3}}};
    ram.count = kept.count = 0;
    ranges_add(&ram, 0x100000, 0x80000000);
    ranges_add(&kept, 0xfec00000, 0xfec01000);
    in = (struct functions_input){.system = &s.header, .config = &config, .pci = &pci, .iommus = &units, .mcfg = &mcfg,
                                  .ram = &ram, .kept = &kept, .protected = true};
    return 0;
}

static struct pci_function *function(uint16_t id) { return (struct pci_function *)(uintptr_t)pci_find(&pci, 0, id); }
static struct fake *nic(void) { return &fakes[2]; }

static void refuses(const char *sentence)
{
    assert_false(functions_bind(&in, &functions, reason, sizeof reason));
    if (!strstr(reason, sentence))
        fail_msg("'%s' is not in '%s'", sentence, reason);
}

static void accepts(void)
{
    if (!functions_bind(&in, &functions, reason, sizeof reason))
        fail_msg("%s", reason);
}

/* 9.2.1.2: the n-th function is first + n * stride behind the physical one; 9.3.3: its registers n sizes behind the first one's. */
static void physical_and_virtual(void **state)
{
    (void)state;
    ask(SYSTEM_VF, 2, "nic0.vf6", 1, 6, 0);
    ask(SYSTEM_FUNCTION, 1, "nic0", NIC_ID, NIC, 7);
    ask(SYSTEM_VF, 1, "nic0.vf0", 1, 0, 0);
    accepts();
    assert_int_equal(functions.count, 3);
    const struct function_binding *pf = &functions.bound[0], *vf6 = &functions.bound[1], *vf0 = &functions.bound[2];
    assert_true(pf->request == 1 && pf->id == NIC && pf->unit == 1 && pf->config == 0xb0100000);
    assert_true(pf->bars[0].start == 0xc0800000 && pf->bars[0].end == 0xc0820000);
    assert_true(pf->bars[2].end == 0); /* ports */
    assert_true(pf->bars[3].start == 0x3800000000 && pf->bars[3].end == 0x3800004000);
    assert_true(vf6->request == 0 && vf6->id == 0x100 + 128 + 6 * 2 && vf6->unit == 1 && vf6->config == 0xb0000000 + 0x18cull * 4096);
    assert_true(vf6->bars[0].start == 0xc0000000 + 6 * 0x4000 && vf6->bars[0].end == 0xc0000000 + 7 * 0x4000);
    assert_true(vf6->bars[3].start == 0xc0020000 + 6 * 0x4000);
    assert_true(vf0->id == 0x180 && vf0->bars[0].start == 0xc0000000);
    /* Number, page size 4 KiB, ARI; off as yet. */
    assert_int_equal(nic()->value[0x168 / 4] & 0xffff, 0x10);
    assert_int_equal(nic()->value[0x170 / 4] & 0xffff, 7);
    assert_int_equal(nic()->value[0x180 / 4], 1);
    assert_int_equal(fakes[1].value[0x7c / 4] & 0x20, 0x20);
    assert_int_equal(functions_enable(&in, &functions), 1);
    assert_int_equal(nic()->value[0x168 / 4] & 0xffff, 0x19);
    pci_control_access(&config, &pci);
    assert_int_equal(fakes[1].value[0x104 / 4] >> 16, 0x1f);
}

static void without_ari(void **state)
{
    (void)state;
    fakes[1].value[0x78 / 4] = 0; /* the port cannot forward */
    ask(SYSTEM_FUNCTION, 1, "nic0", NIC_ID, SYSTEM_ANYWHERE, 2);
    accepts();
    assert_int_equal(nic()->value[0x168 / 4] & 0xffff, 0);
    assert_int_equal(functions.bound[0].id, NIC);
    s.header.requests[0].size = 0; /* none asked for: nothing is switched on */
    accepts();
    assert_int_equal(functions_enable(&in, &functions), 0);
}

static void registers_are_placed(void **state)
{
    (void)state;
    struct pci_sriov *v = &function(NIC)->sriov;
    v->bars[0].base = 0;                    /* the firmware did not */
    v->bars[3].base = 0x4000000000;         /* above 4 GiB */
    function(NIC)->bars[0].base = 0xc0000000;
    ask(SYSTEM_FUNCTION, 1, "nic0", NIC_ID, NIC, 7);
    ask(SYSTEM_VF, 1, "nic0.vf1", 0, 1, 0);
    accepts();
    assert_true(v->bars[0].base == 0xc0020000 && v->bars[3].base == 0xc0040000); /* behind the function's own, inside the window */
    assert_true(nic()->value[0x184 / 4] == (0xc0020000 | 4) && nic()->value[0x190 / 4] == (0xc0040000 | 4) && nic()->value[0x194 / 4] == 0);
    assert_true(functions.bound[1].bars[0].start == 0xc0024000 && functions.bound[1].bars[3].start == 0xc0044000);
    struct pci_function *port = function(8);
    port->windows[0].end = port->windows[0].start + 0x50000; /* room for one of them */
    v->bars[0].base = 0, v->bars[3].base = 0x4000000000;
    accepts();
    assert_true(v->bars[0].base == 0xc0020000 && v->bars[3].base == 0x4000000000); /* where the firmware put it */
}

/* On a root bus: where the firmware has put other devices' registers, off bridges' windows, RAM, configuration space. */
static void registers_on_a_root_bus(void **state)
{
    (void)state;
    struct pci_function *f = function(NIC), *port = function(8);
    port->secondary = 9; /* the function is on no bridge's bus any more */
    f->sriov.bars[0].base = f->sriov.bars[3].base = 0;
    f->bars[0].base = 0xae010000;
    f->bars[3].base = 0xb0400000;
    ranges_add(&ram, 0x80000000, 0xae008000);
    ask(SYSTEM_FUNCTION, 1, "nic0", NIC_ID, NIC, 7);
    accepts();
    assert_true(f->sriov.bars[0].base == 0xae030000 && f->sriov.bars[3].base == 0xae050000);
    f->sriov.bars[0].base = f->sriov.bars[3].base = 0;
    ranges_add(&kept, 0xae030000, 0xae040000);
    port->windows[1] = (struct pci_window){0xae060000, 0xae080000};
    fakes[2].value[0x168 / 4] = 0;
    accepts();
    assert_true(f->sriov.bars[0].base == 0xae040000 && f->sriov.bars[3].base == 0xae080000);
    f->sriov.bars[0].base = f->sriov.bars[3].base = 0;
    ranges_add(&kept, 0xae000000, 0xb0000000);
    accepts(); /* configuration space of buses 0 to 3 is at 0xb0000000 */
    assert_true(f->sriov.bars[0].base == 0xb0404000 && f->sriov.bars[3].base == 0xb0424000);
    f->sriov.bars[0].base = f->sriov.bars[3].base = 0;
    ranges_add(&ram, 0, 0x100000);
    port->windows[1] = (struct pci_window){0xb0000000, ~0xfffull}; /* as an odd port may say: the search ends, and nowhere else */
    accepts();
    assert_true(f->sriov.bars[0].base == 0 && f->sriov.bars[3].base == 0);
}

static void shared_or_odd_registers(void **state)
{
    (void)state;
    function(NIC)->bars[0].base = 0x7ff00000; /* RAM, says the firmware */
    function(NIC)->bars[3].base = 0xc0000000; /* the first virtual function's */
    ask(SYSTEM_FUNCTION, 1, "nic0", NIC_ID, NIC, 2);
    ask(SYSTEM_VF, 1, "nic0.vf0", 0, 0, 0);
    accepts();
    assert_true(functions.bound[0].bars[0].end == 0 && functions.bound[0].bars[3].start == 0xc0000000);
    assert_true(functions.bound[1].bars[0].end == 0 && functions.bound[1].bars[3].start == 0xc0020000);
    function(NIC)->bars[3] = (struct pci_bar){.base = 0xc0000100, .size = 256};
    accepts();
    assert_true(functions.bound[0].bars[3].end == 0 && functions.bound[1].bars[0].end != 0);
}

/* A device that lies about where its registers are gets nothing of configuration space, and nothing that its port does not pass on. */
static void registers_that_lie(void **state)
{
    (void)state;
    struct pci_function *f = function(NIC), *port = function(8);
    ask(SYSTEM_FUNCTION, 1, "nic0", NIC_ID, NIC, 2);
    ask(SYSTEM_VF, 1, "nic0.vf1", 0, 1, 0);
    f->bars[0].base = 0xff000000;                            /* the firmware's flash */
    f->bars[3].base = port->windows[1].end - 0x2000;         /* half behind the window */
    f->sriov.bars[0].base = port->windows[0].end - 0x4000;   /* only the second one is behind it */
    accepts();
    assert_true(functions.bound[0].bars[0].end == 0 && functions.bound[0].bars[3].end == 0);
    assert_true(functions.bound[1].bars[0].end == 0 && functions.bound[1].bars[3].end != 0);
    port->windows[0] = (struct pci_window){0xb0000000, 0xc1000000};
    f->bars[0].base = 0xb0300000;                            /* configuration space of bus 3, 0xb0400000 is behind it */
    f->bars[3].base = 0xb0400000;
    accepts();
    assert_true(functions.bound[0].bars[0].end == 0 && functions.bound[0].bars[3].start == 0xb0400000);
    port->secondary = 9;                                     /* on a root bus */
    f->bars[3].base = 0xb03ff000;
    accepts();
    assert_true(functions.bound[0].bars[0].end == 0 && functions.bound[0].bars[3].end == 0);
}

static void refusals(void **state)
{
    (void)state;
    struct system_request *r = ask(SYSTEM_FUNCTION, 1, "nic0", NIC_ID, NIC, 9);
    refuses("node 1: \"nic0\" is 01:00.0, which can have 8 virtual functions, not 9");
    r->size = 2, r->arg1 = 0x108;
    refuses("\"nic0\" is to be the PCI device 01:01.0, but there is none");
    r->arg1 = 0xfa;
    refuses("is to be the PCI device 00:1f.2, but that is 8086:2922 and not 8086:10c9");
    r->arg0 = 0x8086 | 0x2922u << 16;
    refuses("is no PCI Express device");
    r->arg0 = 0x8086 | 0x2918u << 16, r->arg1 = 0xf8;
    refuses("00:1f.0, a part of the machine itself");
    r->arg0 = 0x1234, r->arg1 = SYSTEM_ANYWHERE;
    refuses("this machine has no (further) PCI device 1234:0 for \"nic0\"");
    r->arg0 = NIC_ID, r->arg1 = NIC;
    in.protected = false;
    refuses("on a machine that is not protected");
    in.protected = true;
    s.header.flags = SYSTEM_FLAG_REST;
    refuses("foreign root task");
    s.header.flags = 0;
    function(NIC)->damaged = true;
    refuses("a damaged list of capabilities");
    function(NIC)->damaged = false;
    function(NIC)->sriov.offset = 0;
    refuses("has no SR-IOV");
    function(NIC)->sriov.offset = 0x160;
    nic()->writable[0x170 / 4] = 0;
    refuses("does not take the number 2");
    nic()->writable[0x170 / 4] = 0xffff;

    function(8)->acs_controls = 0x1b; /* no request redirect */
    refuses("behind the port 00:01.0, which has no ACS");
    function(8)->acs_controls = 0x1f;
    function(8)->port_type = 7;
    refuses("behind the bridge 00:01.0, where functions cannot be told apart");
    function(8)->port_type = 4;
    units.reserved_count = 1;
    units.scopes[2] = (struct iommu_scope){.unit = IOMMU_NO_UNIT, .source = SOURCE_PATH, .path = {.bus = 0, .hops = 2, .devfn = {8, 0}}};
    units.reserved[0] = (struct iommu_reserved){.start = 0x7f000000, .end = 0x7f800000, .first_scope = 2, .scope_count = 1};
    refuses("01:00.0, for which the firmware reserves the memory [0x7f000000-0x7f800000)");
    units.reserved_count = 0;
    units.scopes[0].source = units.scopes[1].source = SOURCE_HPET;
    refuses("no IOMMU is responsible for the PCI device 01:00.0");
    units.scopes[1].source = SOURCE_ALL;
    accepts();
}

static void refusals_of_virtual_functions(void **state)
{
    (void)state;
    ask(SYSTEM_FUNCTION, 1, "nic0", NIC_ID, NIC, 2);
    struct system_request *vf = ask(SYSTEM_VF, 2, "nic0.vf2", 0, 2, 0);
    refuses("\"nic0.vf2\" is virtual function 2 of request 0, which has no such one");
    vf->arg0 = 1;
    refuses("virtual function 2 of request 1");
    vf->arg0 = 77;
    refuses("of request 77");
    vf->arg0 = 0, vf->arg1 = 1;
    nic()->value[0x174 / 4] = 300 | 2u << 16; /* on bus 2 */
    refuses("would be on bus 2, which the firmware left no room for behind 01:00.0");
    function(8)->subordinate = 5;
    nic()->value[0x174 / 4] = 0x300 | 2u << 16;
    mcfg.segments[0].last_bus = 3;
    refuses("on a bus that this machine has no configuration space for");
    nic()->value[0x174 / 4] = 0x80 | 2u << 16;
    units.scope_count = 3;
    units.scopes[2] = (struct iommu_scope){.unit = 1, .source = SOURCE_IOAPIC, .first = 0x180};
    vf->arg1 = 0;
    refuses("\"nic0.vf2\" would be 01:10.0, which is what an IOAPIC of this machine calls itself");
    units.scope_count = 2;
    accepts();

    struct system_request *again = ask(SYSTEM_VF, 2, "nic0.vfx", 0, 0, 0);
    refuses("01:10.0 is given twice, as \"nic0.vf2\" and as \"nic0.vfx\"");
    *again = (struct system_request){.kind = SYSTEM_FUNCTION, .node = 1, .name = "nicx", .arg0 = NIC_ID, .arg1 = NIC};
    refuses("01:00.0 is given twice, as \"nic0\" and as \"nicx\"");
    again->arg1 = SYSTEM_ANYWHERE;
    refuses("no (further) PCI device 8086:10c9 for \"nicx\"");
    *again = (struct system_request){.kind = RESOURCE_REQUESTERS, .name = "range", .arg0 = 0, .arg1 = 0x17f | 0x180 << 16};
    refuses("\"nic0.vf2\" is in the range of PCI devices \"range\" as well");
    again->arg1 = 0x181 | 0x1ffu << 16;
    accepts();
    function(0xfa)->id = 0x180; /* somebody is there */
    refuses("would be where there is another device already");
}

/* A second node of the same VM gets registers, of a function that is there and has them. */
static void registers_for_another_node(void **state)
{
    (void)state;
    ask(SYSTEM_FUNCTION, 1, "nic0", NIC_ID, NIC, 2);
    ask(SYSTEM_VF, 2, "nic0.vf0", 0, 0, 0);
    struct system_request *r = ask(SYSTEM_REGISTERS, 3, "nic0.vf0.bar0", 1, 0, 0x4000);
    accepts();
    assert_int_equal(functions.count, 2);
    r->size = 0x5000;
    refuses("node 3: \"nic0.vf0.bar0\" is to be 20480 bytes of BAR 0 of request 1, which has no such registers");
    r->size = 0x4000, r->arg1 = 1;
    refuses("BAR 1 of request 1");
    r->arg1 = UINT64_MAX;
    refuses("which has no such registers");
    r->arg1 = 0, r->arg0 = 2;
    refuses("BAR 0 of request 2");
    r->arg0 = 1ull << 32 | 1;
    refuses("which has no such registers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(registers_for_another_node, begin),
        cmocka_unit_test_setup(physical_and_virtual, begin), cmocka_unit_test_setup(without_ari, begin),
        cmocka_unit_test_setup(registers_are_placed, begin),
        cmocka_unit_test_setup(registers_on_a_root_bus, begin), cmocka_unit_test_setup(shared_or_odd_registers, begin),
        cmocka_unit_test_setup(registers_that_lie, begin),
        cmocka_unit_test_setup(refusals, begin), cmocka_unit_test_setup(refusals_of_virtual_functions, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
