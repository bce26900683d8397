/* What a guest finds besides its CPU and interrupt controllers: power-off, and a serial port. */
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
    }
}
