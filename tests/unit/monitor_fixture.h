/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fake guest kernel for monitors: objects in RAM, laid out as fake_arch/layout and monitor_layout tell the linker. */
#ifndef SHADOWMON_MONITOR_FIXTURE_H
#define SHADOWMON_MONITOR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

#define NOWHERE 0xffff888012345000ULL /* in the direct map, behind the end of RAM */

extern u64 task;        /* the current one: thread 81 of process 80 */
extern u64 root_dentry; /* "/" ... */
extern u64 root_mount;  /* ... of the one mount */

/* What the runtime sees of policies: not const here. */
extern struct sm_policy_area policy_area __asm__("smc_policy");

/* For cmocka. */
int monitor_setup(void **state);
int monitor_teardown(void **state);
#define MONITOR_TEST(test) cmocka_unit_test_setup_teardown(test, monitor_setup, monitor_teardown)

void put64(u64 address, u64 value);
void put32(u64 address, u32 value);
void put16(u64 address, u16 value);
void put_bytes(u64 address, const void *bytes, size_t len);
#define PUT64(object, type, member, value) put64((object) + SM_OFFSET(type, member), value)
#define PUT32(object, type, member, value) put32((object) + SM_OFFSET(type, member), value)
#define PUT16(object, type, member, value) put16((object) + SM_OFFSET(type, member), value)

/* Zeroes. */
u64 new_object(size_t size);
u64 new_string(const char *string);
u64 new_dentry(u64 parent, const char *name);
/* A struct path of that dentry. */
u64 new_path(u64 dentry);
u64 new_file(u64 dentry);
u64 new_task(u32 pid, u32 tgid, const char *comm);

/* The ring has no room from now on. */
void fill_ring(void);
/* The event that was committed since the last call; NULL: none. */
const void *take_event(void);
/* Its text field. */
void assert_text(const void *event, const struct sm_text *text, const char *expected);
#define ASSERT_TEXT(e, field, expected) assert_text(e, &(e)->field, expected)

#endif
