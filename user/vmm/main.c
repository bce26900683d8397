/* The VMM of one virtual CPU: an event loop over the vCPU's exits, its timer, kicks from its VM's other vCPUs, devices' backends and console
 * input. It holds capabilities to its own VM's things only; whatever goes wrong here harms that VM alone. */
#include <sel4/abi.h>
#include "devices.h"
#include "exit.h"
#include "lib.h"
#include "message.h"
#include "port.h"
#include "root.h"
#include "smp.h"
#include "test_hook.h"

const char component_name[] = "vmm";

static struct vm vm;
static struct queue output, input;
static uint32_t groups_of_class[EXIT_CLASS_MASK + 1];
static uint64_t timer_deadline, timer_offset; /* guest TSC and its offset that the kernel's timer was last set for; 0: off */
static uint32_t presses; /* of the power button, as far as the guest was told */

static struct cpuid_regs host_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_regs r;

    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

/* -- Console. ------------------------------------------------------------------------------------------------------- */

static void uart_send(void *context, uint8_t byte)
{
    vm_count(context, VMM_COUNT_CONSOLE_BYTES);
    queue_write(&output, &byte, 1);
    if (queue_needs_doorbell(&output))
        sel4_signal(VMM_SLOT_DOORBELL);
}

static void virtio_console_read(struct virtio_console *c)
{
    uint8_t bytes[64];
    uint64_t n;

    do {
        while ((n = queue_peek(&input, bytes, sizeof bytes))) {
            uint32_t taken = virtio_console_receive(c, bytes, (uint32_t)n);

            if (!taken) /* it asks again when it has buffers */
                return;
            queue_skip(&input, taken);
        }
    } while (!queue_sleep(&input));
}

/* Move input to where the guest reads, as far as there is room; ask for a bell when there is none left. */
static void console_read(struct vm *v)
{
    uint8_t byte;

    if (virtio_console_reads(&v->virtio_console)) {
        virtio_console_read(&v->virtio_console);
        return;
    }

    do {
        while (uart_room(&v->uart) && queue_read(&input, &byte, 1))
            uart_receive(&v->uart, byte);
    } while (uart_room(&v->uart) && !queue_sleep(&input));
}

/* -- Node manager. --------------------------------------------------------------------------------------------------- */

uint64_t manager_call(uint64_t request, unsigned words)
{
    struct sel4_message m = {.info = sel4_info(request, 0, words)};

    for (unsigned i = 0; i < SEL4_MSG_REGISTERS && i < words; i++)
        m.mr[i] = sel4_ipc_buffer->msg[i];
    sel4_call(VMM_SLOT_MANAGER, &m);
    return sel4_info_label(m.info);
}

void report_counters(void)
{
    sel4_ipc_buffer->msg[0] = VMM_COUNTERS;
    for (unsigned i = 0; i < VMM_COUNTERS; i++)
        sel4_ipc_buffer->msg[1 + i] = vm.counters[i];
    manager_call(MANAGER_COUNTERS, 1 + VMM_COUNTERS);
}

static void report_exit_code(struct vm *v, uint32_t code)
{
    (void)v;
    sel4_ipc_buffer->msg[0] = code;
    manager_call(MANAGER_EXIT_CODE, 1);
}

static bool vf_place(unsigned index, uint32_t address, bool master)
{
    sel4_ipc_buffer->msg[0] = index;
    sel4_ipc_buffer->msg[1] = address;
    sel4_ipc_buffer->msg[2] = master;
    return manager_call(MANAGER_VF_PLACE, 3) == SEL4_NO_ERROR;
}

/* If the function does not come back, the node manager ends the VM: no answer. */
static void vf_reset(unsigned index)
{
    sel4_ipc_buffer->msg[0] = index;
    manager_call(MANAGER_VF_RESET, 1);
}

/* As manager_call(); the answer's two words. Zeroes where it is an error. */
static uint64_t manager_ask(uint64_t request, unsigned words, uint64_t answer[2])
{
    struct sel4_message m = {.info = sel4_info(request, 0, words)};

    for (unsigned i = 0; i < SEL4_MSG_REGISTERS && i < words; i++)
        m.mr[i] = sel4_ipc_buffer->msg[i];
    sel4_call(VMM_SLOT_MANAGER, &m);
    for (unsigned i = 0; i < 2; i++)
        answer[i] = i < sel4_info_length(m.info) ? m.mr[i] : 0;
    return sel4_info_label(m.info);
}

static bool vf_controller(unsigned index, bool on, uint64_t *capabilities, uint32_t *version)
{
    uint64_t answer[2];

    sel4_ipc_buffer->msg[0] = index;
    sel4_ipc_buffer->msg[1] = on;
    bool done = manager_ask(MANAGER_VF_CONTROLLER, 2, answer) == SEL4_NO_ERROR;
    *capabilities = answer[0];
    *version = (uint32_t)answer[1];
    return done;
}

static void vf_admin(unsigned index, const uint64_t words[NVME_WORDS], struct nvme_answer *a)
{
    uint64_t answer[2];

    sel4_ipc_buffer->msg[0] = index;
    memcpy(&sel4_ipc_buffer->msg[1], words, NVME_WORDS * sizeof words[0]);
    bool done = manager_ask(MANAGER_VF_COMMAND, 1 + NVME_WORDS, answer) == SEL4_NO_ERROR;
    *a = (struct nvme_answer){done ? (uint16_t)answer[0] : NVME_INTERNAL_ERROR, (uint32_t)answer[1]};
}

__attribute__((noreturn)) static void end(uint64_t request)
{
    size_t length = strlen(vm.reason);
    unsigned words = 0;

    if (!vm.remote) {
        smp_park_others(&vm);
        output.producer->status = QUEUE_CLOSED;
        sel4_signal(VMM_SLOT_DOORBELL);
    }
    report_counters();
    if (request == MANAGER_STOPPED) {
        words = 1 + (unsigned)(length + 7) / 8;
        memset(sel4_ipc_buffer->msg, 0, words * sizeof(uint64_t));
        sel4_ipc_buffer->msg[0] = length;
        memcpy(&sel4_ipc_buffer->msg[1], vm.reason, length);
    }
    manager_call(request, words);
    for (;;) /* normally the manager has suspended this thread */
        sel4_wait(VMM_SLOT_NOTIFICATION);
}

/* -- Timer and interrupts. ------------------------------------------------------------------------------------------- */

/* Give the kernel the next deadline, the APIC timer's or the watchdog's. The APIC timer's fires here when it has come. */
static void set_timer(void)
{
    uint64_t now = host_tsc(), host = 0, watchdog = vm.watchdog.deadline;

    lapic_tick(&vm.lapic, now + vm.tsc_offset);
    if (vm.lapic.deadline) {
        host = vm.lapic.deadline - vm.tsc_offset;
        if (host <= now) /* farther away than the TSC can count: the guest set its TSC back */
            host = 0;
    }
    if (watchdog && (!host || watchdog < host))
        host = watchdog;
    timer_deadline = vm.lapic.deadline;
    timer_offset = vm.tsc_offset;
    vcpu_set_timer(VMM_SLOT_VCPU, host ? VMM_SLOT_NOTIFICATION : 0, host);
}

static void sync_timer(void)
{
    if (vm.lapic.deadline != timer_deadline || vm.tsc_offset != timer_offset)
        set_timer();
}

/* What was pressed twice before anybody looked was pressed once. */
static void look_at_button(void)
{
    uint32_t now = input.producer->presses;

    if (now != presses)
        pm_press(&vm);
    presses = now;
}

void take_signals(uint64_t badge)
{
    if (badge & VMM_BADGE_INPUT) {
        irq_handler_ack(VMM_SLOT_INPUT_IRQ);
        console_read(&vm);
        port_update_uart(&vm);
        look_at_button();
    }
    if (badge & VMM_BADGE_DISK)
        devices_poll_disks(&vm);
    if (badge & VMM_BADGE_NET) {
        irq_handler_ack(VMM_SLOT_NET_IRQ);
        devices_poll_nets(&vm);
    }
    if (badge & VMM_BADGE_VFS)
        vf_messages(&vm, badge);
    if (badge & VMM_BADGE_KICK) {
        irq_handler_ack(VMM_SLOT_KICK_IRQ);
        smp_kicked(&vm);
    }
    if (badge & VMM_BADGE_TIMER) {
        watchdog_tick(&vm, host_tsc());
        set_timer();
    }
    sync_timer();
}

static bool offer(uint64_t event)
{
    int accepted = 0;

    if (vcpu_interrupt(VMM_SLOT_VCPU, VCPU_EVENT_VALID | event, &accepted) != SEL4_NO_ERROR)
        panic("the kernel refuses event 0x%lx", event);
    vm.counters[VMM_COUNT_INJECTED] += accepted != 0;
    return accepted;
}

/* The guest was interrupted, not stopped: let the kernel inject, or exit as soon as that is possible. */
static void interrupt_running_guest(void)
{
    int vector = lapic_candidate(&vm.lapic);

    if (vm.lapic.nmi_pending && offer(VCPU_EVENT_NMI | 2))
        vm.lapic.nmi_pending = false;
    if (vector >= 0 && offer(VCPU_EVENT_INTERRUPT | (unsigned)vector))
        lapic_accept(&vm.lapic, (unsigned)vector);
}

/* -- Life of the guest. ---------------------------------------------------------------------------------------------- */

static void zero_memory(void)
{
    uint64_t low = guest_memory_room(&vm.memory, 0), high = guest_memory_room(&vm.memory, VM_HOLE_END);

    memset(vm.memory.base, 0, low);
    if (high)
        memset(vm.memory.base + VM_HOLE_END, 0, high);
}

static void restart(void)
{
    manager_call(MANAGER_RESET, 0);
    smp_park_others(&vm);
    zero_memory();
    if (!vm_reset(&vm))
        end(MANAGER_STOPPED);
    console_read(&vm);
}

/* Is there anything that ends this vCPU's present life? INIT to vCPU 0 ends in firmware, which resets the machine. */
static bool must_end(void)
{
    if (!vm.remote && vm.lapic.init_pending)
        vm.next = VM_RESET;
    return vm.remote ? smp_must_stand(&vm) : vm.next != VM_RESUME;
}

/* Act on that. Afterwards vm.vcpu holds the state to go on with, all of it. */
static void act(void)
{
    enum vm_next next = vm.next;

    if (vm.remote)
        return smp_stand(&vm);
    vm.next = VM_RESUME;
    if (next == VM_POWER_OFF)
        end(MANAGER_POWERED_OFF);
    if (next != VM_RESET)
        end(MANAGER_STOPPED);
    restart();
}

static void wait_for_interrupt(void)
{
    sync_timer();
    while (!exit_wakes(&vm) && !must_end())
        take_signals(sel4_wait(VMM_SLOT_NOTIFICATION));
    if (vm.deaf)
        smp_hears(&vm);
}

/* An exit after which the guest does not simply go on. */
static __attribute__((noinline)) void leave(enum vm_next next)
{
    vm.next = next == VM_WAIT ? VM_RESUME : next;
    if (vm.remote && (next == VM_STOP || next == VM_POWER_OFF))
        end(next == VM_STOP ? MANAGER_STOPPED : MANAGER_POWERED_OFF);
    if (next == VM_WAIT)
        wait_for_interrupt();
    if (must_end())
        act();
}

/* Do what an exit asks for; afterwards the reply is ready. */
static void run_exit(void)
{
    enum vm_next next = exit_handle(&vm);

    if (next != VM_RESUME || vm.lapic.init_pending)
        leave(next);
    sync_timer();
    exit_finish(&vm);
}

static void set_up_vfs(const struct vm_config *config)
{
    const struct vfs_config *vfs = (const void *)((const char *)config + 4096);

    vm.vf_place = vf_place;
    vm.vf_reset = vf_reset;
    vm.vf_controller = vf_controller;
    vm.vf_admin = vf_admin;
    vm.vf_doorbells = (volatile uint32_t *)VMM_VF_DOORBELLS_VA;
    if (config->vf_count == 0)
        return;
    if (vfs->magic != VFS_CONFIG_MAGIC || vfs->count > VM_VFS_MAX)
        panic("the second configuration frame does not list virtual functions");
    vf_add(&vm, vfs);
}

/* The same while the guest runs: it is suspended first, and started anew with what is in vm.vcpu. */
static void start_guest(struct sel4_message *m)
{
    if (vcpu_write(VMM_SLOT_VCPU, VCPU_ALL_GROUPS, VCPU_WORDS, vm.vcpu.words) != SEL4_NO_ERROR)
        panic("the kernel refuses the vCPU's first state");
    sync_timer();
    m->info = sel4_info(MANAGER_START, 0, 0); /* sent and then waiting, in one step: see component.h */
    sel4_nbsend_recv(VMM_SLOT_MANAGER, VMM_SLOT_FAULT_EP, VMM_SLOT_REPLY, m);
}

static void signalled(uint64_t badge, struct sel4_message *m)
{
    vm.next = VM_RESUME;
    take_signals(badge);
    if (must_end()) {
        manager_call(MANAGER_PARK, 0);
        vm.vcpu.present = 0; /* of a former exit */
        act();
        start_guest(m);
        return;
    }
    interrupt_running_guest();
    sel4_recv(VMM_SLOT_FAULT_EP, VMM_SLOT_REPLY, m);
}

/* What memory the files and the guest have was mapped by the node manager before this thread ran. */
static bool set_up(const struct vm_config *config, uint64_t tsc_hz)
{
    uint8_t *queues = (uint8_t *)COMPONENT_QUEUES_VA;

    if (config->vcpu == 0) {
        queue_init_producer(&output, queues + VMM_QUEUE_OUT * COMPONENT_QUEUE_STRIDE,
                            queues + VMM_QUEUE_OUT * COMPONENT_QUEUE_STRIDE + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
        output.producer->status = QUEUE_OPEN;
        queue_init_consumer(&input, queues + VMM_QUEUE_IN * COMPONENT_QUEUE_STRIDE,
                            queues + VMM_QUEUE_IN * COMPONENT_QUEUE_STRIDE + COMPONENT_QUEUE_TAIL, QUEUE_DATA_SIZE);
        presses = input.producer->presses;
        input.sleep = (uint32_t)host_tsc(); /* no number that a former life can have prepared */
        sel4_signal(VMM_SLOT_DOORBELL);     /* perhaps the output begins anew */
    }
    vm.config = config;
    vm.memory = (struct guest_memory){(uint8_t *)VMM_RAM_VA, config->memory};
    vm.kernel = (const uint8_t *)VMM_KERNEL_VA;
    vm.initrd = (const uint8_t *)VMM_INITRD_VA;
    vm.tsc_hz = tsc_hz;
    vm.epoch = component_wall_clock;
    vm.uart.send = uart_send;
    vm.uart.context = &vm;
    vm.console_read = console_read;
    vm.timer_changed = set_timer;
    vm.exit_code = report_exit_code;
    vm.test_hook = test_hook;
    cpuid_init(&vm.cpuid, host_cpuid, tsc_hz);
    smp_set_up(&vm);
    if (config->vcpu == 0) {
        pci_init(&vm);
        if (!devices_add(&vm))
            return false;
        set_up_vfs(config);
    }
    for (unsigned i = 0; i < EXIT_CLASSES; i++) {
        groups_of_class[i] = exit_groups(i);
        if (vcpu_set_transfer(VMM_SLOT_VCPU, i, groups_of_class[i], VCPU_ALL_GROUPS) != SEL4_NO_ERROR)
            panic("the kernel refuses the transfer descriptor of exit class %u", i);
    }
    return true;
}

void component_main(const void *config, uint64_t tsc_hz)
{
    struct sel4_message m, other;

    if (((const struct vm_config *)config)->magic != VM_CONFIG_MAGIC)
        panic("no configuration");
    if (!set_up(config, tsc_hz))
        end(MANAGER_STOPPED);
    if (smp_memory_used(&vm)) /* not the first life; before that boot saw to it */
        zero_memory();
    if (!vm_reset(&vm))
        end(MANAGER_STOPPED);
    if (vm.remote)
        smp_stand(&vm);
    else
        console_read(&vm);
    start_guest(&other);
    m = other;
    for (;;) {
        if (m.badge & VMM_BADGE_EXIT) {
            message_take_exit(&vm.vcpu, &m, groups_of_class);
            run_exit();
            message_put_reply(&vm.vcpu, &m);
            sel4_reply_recv(VMM_SLOT_FAULT_EP, VMM_SLOT_REPLY, &m);
        } else { /* in a structure of its own, so that m can stay in registers */
            signalled(m.badge, &other);
            m = other;
        }
    }
}
