/* The power button of a hardware-reduced guest: an edge on one pin of the I/O APIC says that it was pressed (ACPI 6.4, 4.8.2.2.1.2 and 5.6.9). */
DefinitionBlock ("", "SSDT", 2, "ATOLL ", "ATOLLPB ", 1)
{
    Scope (\_SB)
    {
        Device (PWRB)
        {
            Name (_HID, EisaId ("PNP0C0C"))
        }

        Device (GED)
        {
            Name (_HID, "ACPI0013")
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) {5} /* PM_BUTTON_PIN */
            })

            Method (_EVT, 1, Serialized)
            {
                Notify (\_SB.PWRB, 0x80)
            }
        }
    }
}
