/* One serial line, many streams.
 *
 * In both directions a stream switch is the byte CONSOLE_SWITCH followed by a stream letter; the bytes after it belong to that
 * stream until the next switch. A CONSOLE_SWITCH inside a stream's data is sent twice. Before the first switch the
 * line belongs to the system stream, so a plain terminal shows boot's output unaltered.
 * The switch bytes are written by the console component alone: a VM's bytes are escaped, so no VM can speak as another.
 */
#pragma once

#define CONSOLE_SWITCH 0x1d     /* ASCII group separator, Ctrl-] */
#define CONSOLE_STREAM_SYSTEM '0'
#define CONSOLE_STREAM_FIRST_VM 'A' /* VM i (order of the description) is 'A' + i, up to 'A' + 61 */
#define CONSOLE_MAX_VMS 62

/* System-stream lines that a script may rely on. They start their line: what other code than the console, the node managers and boot
 * prints has "[node N] " in front, so it cannot forge one.
 *   event: vm NAME started
 *   event: vm NAME powered-off
 *   event: vm NAME reset
 *   event: vm NAME restarts in N ms: REASON (the description wants it; "started" follows)
 *   event: vm NAME stopped: REASON        (crash, or stopped by the hypervisor)
 *   event: vm NAME exit-code N            (a test guest wrote N to its exit port)
 *   event: vm NAME counters CLASS=N ...
 *   event: node N died: REASON
 *   event: boot stopped: REASON           (nothing was started)
 */
#define CONSOLE_EVENT_PREFIX "event: "
