#include "efi_medium.h"
#include <efi.h>
#include "bytes.h"
#include "efi_input.h"
#include "print.h"
#include "text.h"

static EFI_BOOT_SERVICES *services;
static EFI_FILE_HANDLE folder_root;            /* NULL: started over the network */
static EFI_PXE_BASE_CODE_PROTOCOL *network;    /* 24.3. Some network loaders show a file system, too, that has boot alone */
static EFI_IP_ADDRESS server;

static void *protocol(EFI_HANDLE of, EFI_GUID guid)
{
    void *interface;
    return services->HandleProtocol(of, &guid, &interface) == EFI_SUCCESS ? interface : NULL;
}

/* The server that gave the address also gave boot (RFC 2131, siaddr); a proxy, if there is one, knows better (PXE 2.1, 2.2). */
static void find_server(void)
{
    const EFI_PXE_BASE_CODE_MODE *m = network->Mode;
    const EFI_PXE_BASE_CODE_PACKET *answer = m->PxeReplyReceived ? &m->PxeReply : m->ProxyOfferReceived ? &m->ProxyOffer : &m->DhcpAck;
    memcpy(&server, answer->Dhcpv4.BootpSiAddr, 4);
}

void medium_open(void *image, void *from)
{
    services = from;
    EFI_LOADED_IMAGE *self = protocol(image, (EFI_GUID)EFI_LOADED_IMAGE_PROTOCOL_GUID);
    network = self ? protocol(self->DeviceHandle, (EFI_GUID)EFI_PXE_BASE_CODE_PROTOCOL_GUID) : NULL;
    if (!network || !network->Mode || !network->Mode->Started || network->Mode->UsingIpv6) {
        EFI_FILE_IO_INTERFACE *files = self ? protocol(self->DeviceHandle, (EFI_GUID)EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID) : NULL;
        if (!files || files->OpenVolume(files, &folder_root) != EFI_SUCCESS)
            stop("the medium that boot was started from has no file system that the firmware can read, and is no IPv4 network; "
                 "start from an image written by \"atoll image\", or from a TFTP server with its files");
        return;
    }
    find_server();
    print("boot: uefi: started over the network, files from %u.%u.%u.%u\n", server.v4.Addr[0], server.v4.Addr[1], server.v4.Addr[2],
          server.v4.Addr[3]);
}

static void path_of(const char *name, CHAR16 *path)
{
    size_t n = 0;
    for (const char *c = EFI_FOLDER; *c; c++)
        path[n++] = (CHAR16)*c;
    for (const char *c = name; *c; c++)
        path[n++] = (CHAR16)*c;
    path[n] = 0;
}

/* 24.3.4: the size of the buffer comes in, that of the file goes out. */
static uint64_t network_read(const char *name, void *to, uint64_t size)
{
    static char path[sizeof EFI_NETWORK_FOLDER + EFI_FILE_NAME_MAX];
    uint64_t done = size;
    text_format(path, sizeof path, EFI_NETWORK_FOLDER "%s", name);
    EFI_STATUS status = network->Mtftp(network, EFI_PXE_BASE_CODE_TFTP_READ_FILE, to, FALSE, &done, NULL, &server, (UINT8 *)path, NULL, FALSE);
    if (status != EFI_SUCCESS)
        stop("the file %s cannot be fetched from the TFTP server (EFI status 0x%lx); copy the image's files there", path, (uint64_t)status);
    return done;
}

uint64_t medium_read(const char *name, void *to, uint64_t size)
{
    CHAR16 path[sizeof EFI_FOLDER + EFI_FILE_NAME_MAX];
    EFI_FILE_HANDLE file;
    if (!folder_root)
        return network_read(name, to, size);
    path_of(name, path);
    EFI_STATUS status = folder_root->Open(folder_root, &file, path, EFI_FILE_MODE_READ, 0);
    if (status != EFI_SUCCESS)
        stop("the file " EFI_FOLDER "%s cannot be opened (EFI status 0x%lx); write the image again", name, (uint64_t)status);
    uint64_t done = 0;
    UINTN part;
    do {
        part = size - done;
        status = file->Read(file, &part, (uint8_t *)to + done);
        if (status != EFI_SUCCESS)
            stop("the file " EFI_FOLDER "%s cannot be read (EFI status 0x%lx); the medium may be damaged", name, (uint64_t)status);
        done += part;
    } while (part && done < size);
    file->Close(file);
    return done;
}

bool medium_write(const char *name, const char *text, uint64_t size)
{
    CHAR16 path[sizeof EFI_FOLDER + EFI_FILE_NAME_MAX];
    EFI_FILE_HANDLE file;
    if (!folder_root)
        return false;
    path_of(name, path);
    if (folder_root->Open(folder_root, &file, path, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE, 0) == EFI_SUCCESS)
        file->Delete(file); /* an earlier, longer one */
    if (folder_root->Open(folder_root, &file, path, EFI_FILE_MODE_CREATE | EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE, 0) != EFI_SUCCESS)
        return false;
    UINTN done = size;
    bool good = file->Write(file, &done, (void *)text) == EFI_SUCCESS && done == size;
    return file->Close(file) == EFI_SUCCESS && good;
}
