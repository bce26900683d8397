/* Power management that a guest sees (ACPI 6.4, chapter 4). Linux guests are hardware-reduced: sleep control register, and a power button
 * that interrupts through a generic event device (button.dsl). Multiboot guests have the fixed hardware of a PC: PM1 event and control
 * registers, PM timer, system control interrupt; SCI_EN is always set. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PM_SLEEP_CONTROL 0x600u /* ports */
#define PM_SLEEP_STATUS 0x601u
#define PM_EVENT 0x608u         /* status, enable */
#define PM_EVENT_BYTES 4u
#define PM_CONTROL 0x60cu
#define PM_CONTROL_BYTES 2u
#define PM_TIMER 0x610u
#define PM_TIMER_BYTES 4u
#define PM_TIMER_HZ 3579545u    /* 24 bits; running over raises nothing: TMR_EN reads 0 */
#define PM_SCI 9u               /* interrupt of the fixed hardware, level */
#define PM_BUTTON_PIN 5u        /* of the generic event device, edge */

struct pm {
    uint16_t status, enable, control; /* of the fixed hardware */
};

struct vm;
void pm_reset(struct vm *vm);
/* Ports from PM_SLEEP_CONTROL to behind PM_TIMER. False: nothing is there. */
bool pm_read(struct vm *vm, uint16_t port, unsigned bytes, uint32_t *value);
bool pm_write(struct vm *vm, uint16_t port, unsigned bytes, uint32_t value);
/* Somebody pressed the power button. */
void pm_press(struct vm *vm);
