/* What a guest finds besides its CPU and interrupt controllers: power-off, a serial port, and the PCI bus of pci.h. */
DefinitionBlock ("", "DSDT", 2, "ATOLL ", "ATOLLVM ", 1)
{
    Name (\_S5, Package () {5, 0, 0, 0}) /* SLEEP_TYPE_S5 in acpi.c */

    Scope (\_SB)
    {
        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501")) /* 16550A */
            Name (_UID, 1)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x03F8, 0x03F8, 0, 8)
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) {4}
            })
        }

        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A08"))
            Name (_CID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_BBN, 0)
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0, 0, 1)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0xC0000000, 0xDFFFFFFF, 0, 0x20000000) /* PCI_WINDOW */
            })

            /* PCI Firmware Specification 3.2, 4.5.1: the system's firmware grants nothing, as there is nothing to share. */
            Method (_OSC, 4)
            {
                CreateDWordField (Arg3, 0, STS)
                If (Arg0 == ToUUID ("33DB4D5B-1FF7-401C-9657-7441C03DD766"))
                {
                    CreateDWordField (Arg3, 8, CTL)
                    CTL = 0
                }
                Else
                {
                    STS |= 4 /* unknown UUID */
                }
                Return (Arg3)
            }
        }

        /* ECAM, reserved as the specification wants it (4.1.2). */
        Device (MRES)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_UID, 1)
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadWrite, 0xE0000000, 0x00100000) /* PCI_ECAM */
            })
        }
    }
}
