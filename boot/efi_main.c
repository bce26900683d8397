/* The UEFI entry: modules from the medium that boot was started from, the memory map, ACPI, the framebuffer; then the firmware's boot
 * services end. Section numbers: UEFI Specification 2.10. */
#include <efi.h>
#include "bytes.h"
#include "cpu.h"
#include "efi_input.h"
#include "efi_medium.h"
#include "framebuffer.h"
#include "machine.h"
#include "print.h"
#include "probe.h"
#include "record.h"
#include "run.h"
#include "serial.h"
#include "tables.h"

#define PAGE 4096ull
#define MEMORY_MAP_MAX 0x20000
#define LIST_MAX 0x10000
#define EXIT_TRIES 8
#define CR4_LA57 (1u << 12)

extern uint64_t boot_pml4[512], boot_pdpt[512];
extern const uint8_t boot_image_start[], boot_image_end[];
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);                    /* called by gnu-efi's _start */
__attribute__((noreturn)) void efi_leave(const struct boot_input *input);          /* entry_efi.S */

static struct boot_input input;
static EFI_BOOT_SERVICES *services;

/* --- modules --- */

static void load_module(const struct efi_module *from, const char *const files[])
{
    struct module *m = &input.modules[input.module_count];
    if (input_module(&input, from->name))
        stop("two modules are called \"%s\"", from->name);
    memcpy(m->name, from->name, sizeof m->name);
    m->size = from->size;
    for (unsigned i = 0; i < input.module_count; i++) /* one file may be several modules */
        if (strcmp(files[i], from->file) == 0 && input.modules[i].size == from->size) {
            m->paddr = input.modules[i].paddr;
            return;
        }
    EFI_PHYSICAL_ADDRESS at = IDENTITY_BY_ENTRY - 1;
    UINTN pages = m->size / PAGE + 1;
    if (services->AllocatePages(AllocateMaxAddress, EfiLoaderData, pages, &at) != EFI_SUCCESS)
        stop("no memory for the module \"%s\" of %lu bytes; give the machine more memory", from->name, from->size);
    m->paddr = at;
    uint64_t there = medium_read(from->file, (void *)at, from->size);
    if (there != from->size)
        stop("the file " EFI_FOLDER "%s is cut short: %lu bytes are there, the list promises %lu; write the image again", from->file, there,
             from->size);
}

static void load_modules(void)
{
    static uint8_t list[LIST_MAX];
    static char names[INPUT_MAX_MODULES][EFI_FILE_NAME_MAX];
    static const char *files[INPUT_MAX_MODULES];
    struct efi_module module;
    size_t size = medium_read(EFI_LIST_FILE, list, sizeof list), at = 0;
    while (size && !list[size - 1]) /* iPXE tells the buffer's size, not the file's */
        size--;
    for (;;) {
        const char *wrong = efi_next_module(list, size, &at, &module);
        if (wrong)
            stop("%s", wrong);
        if (!module.name[0])
            return;
        if (input.module_count == INPUT_MAX_MODULES)
            stop("the image has more than %u modules", INPUT_MAX_MODULES);
        files[input.module_count] = memcpy(names[input.module_count], module.file, sizeof module.file);
        load_module(&module, files);
        input.module_count++;
    }
}

/* --- the machine --- */

static void find_framebuffer(void)
{
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
    if (services->LocateProtocol(&guid, NULL, (void **)&gop) != EFI_SUCCESS || !gop->Mode)
        return;
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = gop->Mode->Info;
    uint64_t base = gop->Mode->FrameBufferBase, size = gop->Mode->FrameBufferSize;
    if (info->PixelFormat != PixelRedGreenBlueReserved8BitPerColor && info->PixelFormat != PixelBlueGreenRedReserved8BitPerColor)
        return;
    if (base >= IDENTITY_BY_ENTRY || size > IDENTITY_BY_ENTRY - base)
        return;
    framebuffer_init((uint32_t *)base, size / 4, info->HorizontalResolution, info->VerticalResolution, info->PixelsPerScanLine);
}

static uint64_t find_rsdp(const EFI_SYSTEM_TABLE *system)
{
    static const EFI_GUID acpi2 = {0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}}; /* 4.6.1 */
    for (UINTN i = 0; i < system->NumberOfTableEntries; i++)
        if (memcmp(&system->ConfigurationTable[i].VendorGuid, &acpi2, sizeof acpi2) == 0)
            return (uint64_t)system->ConfigurationTable[i].VendorTable;
    stop("the firmware offers no ACPI tables");
}

/* The first 512 GiB, and the 512 GiB that our own image is in, if it is elsewhere. */
static void identity_map(void)
{
    static uint64_t further[2][512] __attribute__((aligned(4096)));
    identity_map_piece(boot_pdpt, 0);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t at = (i ? (uint64_t)boot_image_end - 1 : (uint64_t)boot_image_start) & ~(IDENTITY_BY_ENTRY - 1);
        if (at)
            identity_map_piece(further[i], at);
    }
}

/* 7.4.6: the map's key must be the newest; the firmware's own timers may change the map in between, so there are several tries. */
static void exit_boot_services(EFI_HANDLE image)
{
    static uint8_t map[MEMORY_MAP_MAX] __attribute__((aligned(8)));
    UINTN size, key, descriptor_size;
    UINT32 version;
    for (unsigned i = 0; i < EXIT_TRIES; i++) {
        size = sizeof map;
        EFI_STATUS status = services->GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)map, &key, &descriptor_size, &version);
        if (status != EFI_SUCCESS)
            stop("the firmware's memory map cannot be read (EFI status 0x%lx)", (uint64_t)status);
        if (services->ExitBootServices(image, key) != EFI_SUCCESS)
            continue;
        interrupts_disable();
        const char *wrong = efi_read_memory_map(map, size, descriptor_size, &input.ram);
        if (wrong)
            stop("%s", wrong);
        return;
    }
    stop("the firmware does not end its boot services");
}

/* --- probe: the firmware's services stay, as they write the result --- */

__attribute__((noreturn)) static void probe(void)
{
    static uint8_t map[MEMORY_MAP_MAX] __attribute__((aligned(8)));
    static struct probe result;
    UINTN size = sizeof map, key, descriptor_size;
    UINT32 version;
    EFI_STATUS status = services->GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)map, &key, &descriptor_size, &version);
    const char *wrong = status == EFI_SUCCESS ? efi_read_memory_map(map, size, descriptor_size, &input.ram) : "the firmware's memory map cannot be read";
    if (wrong)
        stop("%s", wrong);
    probe_run(&input, &result);
    bool written = medium_write("probe.txt", result.page, result.page_length) && medium_write("starter.yaml", result.starter, result.starter_length);
    probe_end(&result, written ? EFI_FOLDER "probe.txt and " EFI_FOLDER "starter.yaml on the medium" : NULL);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    services = system->BootServices;
    serial_init();
    find_framebuffer();
    framebuffer_put('b'); /* entry_efi.S's, which is on the serial line already */
    record_put('b');
    print("oot: Atoll\n");
    stage_reached(STAGE_ENTERED);
    if (cr4_read() & CR4_LA57)
        stop("the firmware runs with 5-level page tables; switch off \"5-level paging\" (LA57) in its processor settings");
    services->SetWatchdogTimer(0, 0, 0, NULL); /* 7.5.1: else it resets the machine after 5 minutes */
    medium_open(image, services);
    load_modules();
    input.rsdp = find_rsdp(system);
    if (probe_wanted(&input))
        probe();
    cpu_check();
    print("boot: uefi: %u modules loaded, boot itself at 0x%lx\n", input.module_count, (uint64_t)boot_image_start);
    exit_boot_services(image);
    identity_map();
    efi_leave(&input);
}
