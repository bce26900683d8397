/* A VM's virtual functions as its node manager handles them (user/node_manager/vf.c), with a fake function, a fake PF driver and a
 * fake kernel: the order of what is done to the device, and the reason of each quarantine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "manager.h"
#include "lease.h"
#include "../pf/pci.h"
#include <atoll/vf.h>

#define EXPRESS 0xa0
#define MSIX 0x70
#define FLR_CAPABLE (1u << 28)

static char done[4096]; /* what was done, in order: a letter each */
static struct {
    bool bound, mapped, no_answer, no_flr, keeps_master, keeps_queue, unmasked, pending, bind_fails, no_message, served, runs;
    uint32_t refuse; /* the command that the PF driver refuses */
    uint64_t place, table_count;
    uint32_t vcpus; /* 0: one */
    bool node_dead; /* of another vCPU */
    uint64_t there; /* where the other node shows the registers */
} fake;
static uint32_t config_image[64];

static volatile uint32_t *config(void) { return (volatile uint32_t *)(MANAGER_VF_VA + MANAGER_VF_CONFIG_AT); }
static volatile uint32_t *registers(void) { return (volatile uint32_t *)(MANAGER_VF_VA + MANAGER_VF_BAR_AT); }
static volatile uint32_t *msix(void) { return (volatile uint32_t *)(MANAGER_VF_VA + MANAGER_VF_MSIX_AT); }
static void did(const char *what) { strcat(done, what); }

/* ---- the function: its reset happens when somebody looks at the clock, as nobody may look at it meanwhile ---- */

static void function_reset(void)
{
    if (!(config()[(EXPRESS + 8) / 4] & PCI_CONTROL_FLR))
        return;
    did(fake.bound ? "R!" : "R"); /* never with the IOMMU open */
    memcpy((void *)(uintptr_t)config(), config_image, sizeof config_image);
    if (fake.keeps_master)
        config()[PCI_COMMAND / 4] |= PCI_COMMAND_MASTER;
    if (!fake.keeps_queue)
        registers()[0x2828 / 4] = registers()[0x3828 / 4] = registers()[0x14 / 4] = registers()[0x1c / 4] = 0;
    for (unsigned i = 0; i < 3; i++)
        msix()[4 * i + 3] = !fake.unmasked;
}

/* vf.c measures time by the processor's clock; here it runs fast, and the reset takes place in it. */
uint64_t pf_test_clock(void)
{
    static uint64_t now;
    function_reset();
    return now += 1000000;
}

static void power_on(void)
{
    static const struct vf_config vf = {.name = "nic0.vf0", .vendor = 0x8086, .device = 0x10ca, .bar = 0, .bar_pages = 4, .msix_bar = 3,
                                        .vectors = 3, .msix_table = 0};
    static struct vfs_config all = {.magic = VFS_CONFIG_MAGIC, .count = 1};
    const struct manager_config manager = {.cnode_bits = 12, .vf_count = 1};
    const struct vm_config vm = {.vf_count = 1, .vcpus = fake.vcpus ? fake.vcpus : 1};
    all.vfs[0] = vf;
    if (fake.served)
        all.vfs[0] = (struct vf_config){.name = "ssd0.vf0", .vendor = 0x1b36, .device = 0x10, .msix_table = 0x2000, .vectors = 1,
                                        .class_code = 0x010802, .kind = VF_SERVED, .entry = 0x401000};
    memset((void *)MANAGER_VF_VA, 0, MANAGER_VF_STRIDE);
    memset(config_image, 0, sizeof config_image);
    config_image[PCI_COMMAND / 4] = PCI_STATUS_CAPABILITIES;
    config_image[PCI_CAPABILITIES / 4] = MSIX;
    config_image[MSIX / 4] = PCI_CAPABILITY_MSIX | EXPRESS << 8 | 2u << 16;
    config_image[EXPRESS / 4] = PCI_CAPABILITY_EXPRESS;
    config_image[(EXPRESS + 4) / 4] = fake.no_flr ? 0 : FLR_CAPABLE;
    memcpy((void *)(uintptr_t)config(), config_image, sizeof config_image);
    if (fake.pending)
        config()[(EXPRESS + 8) / 4] |= PCI_STATUS_PENDING;
    registers()[0x2828 / 4] = registers()[0x3828 / 4] = 1u << 25; /* a former user's */
    if (fake.served)
        registers()[0x14 / 4] = registers()[0x1c / 4] = 1;
    done[0] = '\0';
    vfs_init(&manager, &vm, &all, 500, 1000000);
}

/* ---- the kernel and the PF driver ---- */

/* Plain memory forgets what a device keeps: that it has capabilities. */
static void status_restore(void) { config()[PCI_COMMAND / 4] |= PCI_STATUS_CAPABILITIES; }

void sel4_signal(cptr_t cap)
{
    status_restore();
    const volatile struct vf_request *r = (const volatile void *)(MANAGER_VF_VA + MANAGER_VF_REQUEST_AT);
    volatile struct vf_answer *a = (volatile void *)(MANAGER_VF_VA + MANAGER_VF_ANSWER_AT);
    assert_int_equal(cap, MANAGER_SLOT_VF + MANAGER_VF_DOORBELL);
    did(r->command == VF_QUIESCE ? "q" : "p");
    a->status = r->command == fake.refuse ? VF_FAILED : VF_DONE;
    strcpy((char *)(uintptr_t)a->reason, r->command == fake.refuse ? "the address reads 0x0" : "");
    if (!fake.no_answer)
        a->sequence = r->sequence;
}
error_t requesters_range(cptr_t range, cptr_t root, uint64_t *first, uint64_t *last)
{
    (void)range, (void)root;
    *first = *last = 0x180;
    return SEL4_NO_ERROR;
}
error_t requesters_bind(cptr_t range, cptr_t space, uint64_t requester)
{
    (void)range;
    assert_int_equal(space, fake.served ? (cptr_t)MANAGER_SLOT_VF + MANAGER_VF_IO_SPACE : (cptr_t)MANAGER_SLOT_IO_SPACE);
    assert_int_equal(requester, 0x180);
    did("B");
    fake.bound = !fake.bind_fails;
    return fake.bind_fails ? SEL4_NOT_ENOUGH_MEMORY : SEL4_NO_ERROR;
}
error_t requesters_unbind(cptr_t range, uint64_t requester)
{
    (void)range, (void)requester;
    did("U");
    status_restore();
    error_t error = fake.bound ? SEL4_NO_ERROR : SEL4_INVALID_ARGUMENT;
    fake.bound = false;
    return error;
}
error_t irq_handler_message(cptr_t handler, uint64_t *address, uint64_t *data)
{
    status_restore();
    *address = 0xfee00000 + handler * 8;
    *data = handler;
    return fake.no_message ? SEL4_ILLEGAL_OPERATION : SEL4_NO_ERROR;
}
error_t untyped_retype(cptr_t untyped, uint64_t type, uint64_t bits, cptr_t root, uint64_t index, uint64_t depth, uint64_t to, uint64_t count)
{
    (void)untyped, (void)type, (void)bits, (void)root, (void)index, (void)depth, (void)to, (void)count;
    return SEL4_NO_ERROR;
}
error_t nested_table_map(cptr_t table, cptr_t root, uint64_t address, uint64_t attributes)
{
    (void)table, (void)root, (void)address, (void)attributes;
    fake.table_count++;
    return SEL4_NO_ERROR;
}
error_t nested_page_map(cptr_t frame, cptr_t root, uint64_t address, uint64_t rights, uint64_t attributes)
{
    (void)frame, (void)root, (void)rights, (void)attributes;
    if (!fake.mapped)
        fake.place = address;
    fake.mapped = true;
    return SEL4_NO_ERROR;
}
error_t page_unmap(cptr_t frame)
{
    (void)frame;
    fake.mapped = false;
    return SEL4_NO_ERROR;
}
error_t tcb_suspend(cptr_t tcb)
{
    assert_int_equal(tcb, MANAGER_SLOT_VF + MANAGER_VF_COMPONENT);
    assert_true(fake.served);
    did("s");
    fake.runs = false;
    return SEL4_NO_ERROR;
}
error_t thread_start(cptr_t tcb, uint64_t entry, uint64_t tsc_hz)
{
    assert_int_equal(tcb, MANAGER_SLOT_VF + MANAGER_VF_COMPONENT);
    assert_int_equal(entry, 0x401000);
    assert_int_equal(tsc_hz, 1000000);
    did("S");
    fake.runs = true;
    return SEL4_NO_ERROR;
}
const char *sel4_error_name(error_t error) { return error == SEL4_NOT_ENOUGH_MEMORY ? "not enough memory" : "error"; }
void log_line(const char *format, ...) { (void)format; }
void panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    abort();
}

bool places_tell(unsigned function, uint64_t address)
{
    assert_int_equal(function, 0);
    did(address ? "T" : "t");
    if (!fake.node_dead)
        fake.there = address;
    return !fake.node_dead;
}
void faults_take(unsigned function, const char *name, cptr_t range) { (void)function, (void)name, (void)range; }
void places_init(const struct vm_config *vm, uint64_t tsc_hz) { (void)vm, (void)tsc_hz; }

/* ---- tests ---- */

/* vf.c keeps its leases in static memory: every quarantine needs a process of its own. */
static void in_child(void (*test)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        test();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define MUST(x) do { if (!(x)) { fprintf(stderr, "%d: %s (done: %s)\n", __LINE__, #x, done); _exit(1); } } while (0)

static void a_life(void)
{
    char why[200];
    power_on();
    MUST(vfs_lease(false, why, sizeof why) == 0);
    MUST(strcmp(done, "qURpB") == 0); /* silence, blocked, reset, identity, and DMA at last */
    MUST(!(config()[PCI_COMMAND / 4] & PCI_COMMAND_MASTER)); /* the guest has not asked for it */
    MUST(config()[MSIX / 4] & PCI_MSIX_ENABLE);
    MUST(msix()[6] == MANAGER_SLOT_VF + MANAGER_VF_MESSAGE + 1 && msix()[7] == 0);
    MUST(!fake.mapped);

    MUST(vf_place(0, 0xc0004000, 1) == SEL4_NO_ERROR && fake.mapped && fake.place == 0xc0004000);
    MUST(config()[PCI_COMMAND / 4] & PCI_COMMAND_MASTER);
    MUST(vf_place(1, 0xc0004000, 1) == SEL4_INVALID_ARGUMENT);  /* not its */
    MUST(vf_place(0, 0xc0004800, 1) == SEL4_INVALID_ARGUMENT);
    MUST(vf_place(0, 0x1000, 1) == SEL4_RANGE_ERROR);           /* over its RAM */
    MUST(vf_place(0, 0xffffe000, 1) == SEL4_RANGE_ERROR);       /* half outside */
    MUST(vf_place(0, ~0xfffull, 1) == SEL4_RANGE_ERROR);
    MUST(vf_place(0, 0, 0) == SEL4_NO_ERROR && !fake.mapped && !(config()[PCI_COMMAND / 4] & PCI_COMMAND_MASTER));
    for (uint64_t i = 0; i < 100; i++) /* a guest that moves them about uses a bounded number of tables */
        vf_place(0, 0xc0000000 + i * 0x200000, 1);
    MUST(fake.table_count <= 9);
    MUST(vf_place(0, 0xc0004000, 1) == SEL4_NO_ERROR && fake.mapped);

    done[0] = '\0';
    MUST(vf_reset(0, why, sizeof why) == 0);
    MUST(strcmp(done, "qURqURpB") == 0); /* the old lease ends, a new one begins */
    MUST(fake.mapped && fake.place == 0xc0004000);
    MUST(!(config()[PCI_COMMAND / 4] & PCI_COMMAND_MASTER));
    done[0] = '\0';
    vfs_end();
    MUST(strcmp(done, "qUR") == 0 && !fake.bound && !fake.mapped);
}

/* A function that a component drives: the component stands still while the function is not leased, and starts anew in each life. */
static void a_served_life(void)
{
    char why[200];
    fake.served = true;
    power_on();
    MUST(vfs_lease(false, why, sizeof why) == 0);
    MUST(strcmp(done, "sqURpBS") == 0 && fake.runs);
    MUST(config()[PCI_COMMAND / 4] & PCI_COMMAND_MASTER);
    MUST(msix()[2] == MANAGER_SLOT_VF + MANAGER_VF_MESSAGE && msix()[3] == 0);
    done[0] = '\0';
    MUST(vf_place(0, 0xc0004000, 1) == SEL4_INVALID_ARGUMENT && vf_reset(0, why, sizeof why) == 0); /* not the VMM's */
    MUST(vfs_lease(true, why, sizeof why) == 0 && fake.runs);                                       /* a guest's reset */
    MUST(!done[0] && !fake.mapped);
    vfs_end();
    MUST(strcmp(done, "sqUR") == 0 && !fake.bound && !fake.runs);
    registers()[0x14 / 4] = registers()[0x1c / 4] = 1;
    MUST(vfs_lease(false, why, sizeof why) == 0 && fake.runs);
    fake.keeps_queue = true;
    registers()[0x1c / 4] = 1;
    vfs_end();
    MUST(!fake.runs && !fake.bound);
    MUST(vfs_lease(false, why, sizeof why) == -1 && strstr(why, "the controller (CSTS.RDY) is still on") && !fake.runs);
}

static const char *wanted;
static void quarantine(void)
{
    char why[200];
    power_on();
    MUST(vfs_lease(false, why, sizeof why) == -1);
    if (!strstr(why, wanted))
        fprintf(stderr, "said: %s\n", why);
    MUST(strstr(why, wanted) != NULL && strstr(why, "nic0.vf0 is quarantined: cannot ") == why);
    MUST(!fake.bound && !fake.mapped && config()[PCI_COMMAND / 4] == 0);
    MUST(vfs_lease(false, why, sizeof why) == -1 && strstr(why, wanted) != NULL); /* it stays */
    MUST(vf_place(0, 0xc0004000, 1) == SEL4_INVALID_ARGUMENT && !fake.mapped);
}

/* A PF driver that is late says nothing against the function: it stays blocked, and the next lease goes through all steps. */
static void no_answer(void)
{
    static const char blocked[] = "nic0.vf0 is blocked: cannot quiesce: its PF driver does not answer";
    char why[200];
    power_on();
    fake.no_answer = true;
    for (unsigned i = 0; i < 2; i++) {
        MUST(vfs_lease(false, why, sizeof why) == -1 && strcmp(why, blocked) == 0);
        MUST(!fake.bound && !fake.mapped && config()[PCI_COMMAND / 4] == 0);
        MUST(vf_place(0, 0xc0004000, 1) == SEL4_INVALID_ARGUMENT && !fake.mapped);
    }
    fake.no_answer = false;
    done[0] = '\0';
    MUST(vfs_lease(false, why, sizeof why) == 0 && strcmp(done, "qURpB") == 0);
    MUST(vf_place(0, 0xc0004000, 1) == SEL4_NO_ERROR && fake.mapped);
    fake.no_answer = true; /* at the end of a life */
    vfs_end();
    MUST(!fake.bound && !fake.mapped && config()[PCI_COMMAND / 4] == 0);
    fake.no_answer = false;
    done[0] = '\0';
    MUST(vfs_lease(false, why, sizeof why) == 0 && strcmp(done, "qURpB") == 0);
}

/* A VM with another vCPU: its registers are hidden there, too, before anything is done to the function; if that node is silent, nothing is. */
static void two_nodes(void)
{
    char why[200];
    fake.vcpus = 2;
    power_on();
    MUST(vfs_lease(false, why, sizeof why) == 0 && strcmp(done, "qURpB") == 0);
    done[0] = '\0';
    MUST(vf_place(0, 0xc0004000, 1) == SEL4_NO_ERROR && fake.mapped && fake.there == 0xc0004000);
    MUST(vf_place(0, 0xc0008000, 1) == SEL4_NO_ERROR && fake.there == 0xc0008000);
    MUST(strcmp(done, "TtT") == 0); /* never at two places */
    done[0] = '\0';
    MUST(vf_reset(0, why, sizeof why) == 0 && strcmp(done, "tqURqURpBT") == 0 && fake.there == 0xc0008000);
    done[0] = '\0';
    fake.node_dead = true;
    MUST(vf_place(0, 0, 1) == SEL4_ILLEGAL_OPERATION && !fake.mapped);
    vfs_end();
    MUST(strcmp(done, "ttUt") == 0 && !fake.bound && !fake.mapped);
    MUST(vfs_lease(false, why, sizeof why) == -1 && strcmp(why, "nic0.vf0 is blocked: cannot quiesce: another node of its VM does not answer") == 0);
    fake.node_dead = false;
    MUST(vfs_lease(false, why, sizeof why) == 0);
    MUST(vf_place(0, 0xc0004000, 1) == SEL4_NO_ERROR);
    fake.node_dead = true; /* the registers are on all nodes or on none */
    MUST(vf_place(0, 0xc0008000, 1) != SEL4_NO_ERROR && !fake.mapped);
}

static void registers_on_two_nodes(void **unused)
{
    (void)unused;
    memset(&fake, 0, sizeof fake);
    in_child(two_nodes);
}

static void a_late_driver_blocks_until_it_answers(void **unused)
{
    (void)unused;
    memset(&fake, 0, sizeof fake);
    in_child(no_answer);
}

static void one_life(void **unused)
{
    (void)unused;
    in_child(a_life);
}

static void one_served_life(void **unused)
{
    (void)unused;
    in_child(a_served_life);
}

static void each_quarantine_has_its_reason(void **unused)
{
    (void)unused;
    static const struct { bool *flag; const char *why; } cases[] = {
        {&fake.no_flr, "cannot quiesce: its configuration space shows no function level reset, or no MSI-X"},
        {&fake.pending, "cannot quiesce: its transactions do not end"},
        {&fake.keeps_master, "cannot verify the reset: it is still a bus master, or MSI-X is still on"},
        {&fake.unmasked, "cannot verify the reset: MSI-X vector 0 is not masked"},
        {&fake.keeps_queue, "cannot verify the reset: receive queue 0 is still on (register 0x2828)"},
        {&fake.no_message, "cannot bind: get its interrupt message: error"},
        {&fake.bind_fails, "cannot bind: bind it to its memory: not enough memory"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&fake, 0, sizeof fake);
        *cases[i].flag = true;
        wanted = cases[i].why;
        in_child(quarantine);
    }
    memset(&fake, 0, sizeof fake);
    fake.refuse = VF_PROGRAM;
    wanted = "cannot program: its PF driver refuses: status 3 the address reads 0x0";
    in_child(quarantine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_life), cmocka_unit_test(one_served_life), cmocka_unit_test(registers_on_two_nodes),
                                       cmocka_unit_test(a_late_driver_blocks_until_it_answers), cmocka_unit_test(each_quarantine_has_its_reason)};
    if (mmap((void *)MANAGER_VF_VA, MANAGER_VF_STRIDE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
