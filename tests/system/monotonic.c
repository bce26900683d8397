/* In a guest: is one clock monotonic across all CPUs? A thread on each of them reads CLOCK_MONOTONIC after having seen the latest time that any
 * of them read; an earlier time is counted. monotonic SECONDS; the last line says what was found, status 0 if nothing was. */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CPUS_MAX 64

static uint64_t latest, backwards, worst, end;
static struct reader { pthread_t thread; uint64_t reads; unsigned cpu; } readers[CPUS_MAX];

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void later(uint64_t *to, uint64_t value)
{
    uint64_t was = __atomic_load_n(to, __ATOMIC_SEQ_CST);
    while (was < value && !__atomic_compare_exchange_n(to, &was, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {}
}

static void *read_clock(void *argument)
{
    struct reader *r = argument;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(r->cpu, &own);
    if (sched_setaffinity(0, sizeof own, &own) != 0)
        return NULL;
    for (uint64_t t = 0; t < end; r->reads++) {
        uint64_t seen = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
        t = now();
        if (t < seen) {
            __atomic_fetch_add(&backwards, 1, __ATOMIC_SEQ_CST);
            later(&worst, seen - t);
        }
        later(&latest, t);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int idle = 0;
    if (cpus < 1 || cpus > CPUS_MAX)
        return 2;
    end = now() + (argc > 1 ? strtoull(argv[1], NULL, 10) : 2) * 1000000000u;
    for (unsigned i = 0; i < (unsigned)cpus; i++) {
        readers[i].cpu = i;
        if (pthread_create(&readers[i].thread, NULL, read_clock, &readers[i]) != 0)
            return 2;
    }
    for (unsigned i = 0; i < (unsigned)cpus; i++) {
        pthread_join(readers[i].thread, NULL);
        idle += readers[i].reads == 0;
    }
    printf("monotonic: %ld CPUs, %d idle, backwards %lu times, %lu ns at most\n", cpus, idle, (unsigned long)backwards, (unsigned long)worst);
    return backwards || idle ? 1 : 0;
}
