// SPDX-License-Identifier: GPL-2.0-or-later
/* The bpf() system call, as far as it makes, loads or attaches something. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

/* linux/bpf.h, where numbers never change */
#define COMMANDS(N)                    \
	N(BPF_MAP_CREATE, 0)           \
	N(BPF_PROG_LOAD, 5)            \
	N(BPF_OBJ_PIN, 6)              \
	N(BPF_OBJ_GET, 7)              \
	N(BPF_PROG_ATTACH, 8)          \
	N(BPF_PROG_DETACH, 9)          \
	N(BPF_PROG_GET_FD_BY_ID, 13)   \
	N(BPF_MAP_GET_FD_BY_ID, 14)    \
	N(BPF_RAW_TRACEPOINT_OPEN, 17) \
	N(BPF_BTF_LOAD, 18)            \
	N(BPF_LINK_CREATE, 28)         \
	N(BPF_LINK_UPDATE, 29)         \
	N(BPF_LINK_GET_FD_BY_ID, 30)   \
	N(BPF_ITER_CREATE, 33)         \
	N(BPF_LINK_DETACH, 34)         \
	N(BPF_PROG_BIND_MAP, 35)
SM_CONSTANTS(COMMANDS);

#define PROGRAM_TYPES(N)               \
	N(SOCKET_FILTER, 1)            \
	N(KPROBE, 2)                   \
	N(SCHED_CLS, 3)                \
	N(SCHED_ACT, 4)                \
	N(TRACEPOINT, 5)               \
	N(XDP, 6)                      \
	N(PERF_EVENT, 7)               \
	N(CGROUP_SKB, 8)               \
	N(CGROUP_SOCK, 9)              \
	N(LWT_IN, 10)                  \
	N(LWT_OUT, 11)                 \
	N(LWT_XMIT, 12)                \
	N(SOCK_OPS, 13)                \
	N(SK_SKB, 14)                  \
	N(CGROUP_DEVICE, 15)           \
	N(SK_MSG, 16)                  \
	N(RAW_TRACEPOINT, 17)          \
	N(CGROUP_SOCK_ADDR, 18)        \
	N(LWT_SEG6LOCAL, 19)           \
	N(LIRC_MODE2, 20)              \
	N(SK_REUSEPORT, 21)            \
	N(FLOW_DISSECTOR, 22)          \
	N(CGROUP_SYSCTL, 23)           \
	N(RAW_TRACEPOINT_WRITABLE, 24) \
	N(CGROUP_SOCKOPT, 25)          \
	N(TRACING, 26)                 \
	N(STRUCT_OPS, 27)              \
	N(EXT, 28)                     \
	N(LSM, 29)                     \
	N(SK_LOOKUP, 30)               \
	N(SYSCALL, 31)                 \
	N(NETFILTER, 32)

#define BPF_CALL(F) F(SM_NAMED(COMMANDS), command)
SM_EVENT(bpf, BPF_CALL);

#define BPF_LOAD(F)                              \
	F(SM_NAMED(PROGRAM_TYPES), program_type) \
	F(SM_U32, instructions)                  \
	F(SM_STRING(16), name)
SM_EVENT(bpf_load, BPF_LOAD);

/* Commands that are told: not those that look at maps, which programs do all the time. */
#define TOLD(name, number) | 1ULL << (number)
#define TOLD_COMMANDS      (0 COMMANDS(TOLD))

/* attr is the kernel's copy, and 0 where the caller gave less. */
static void report_load(u64 attr)
{
	struct sm_event_bpf_load *e = SM_RESERVE(bpf_load);

	if (!e)
		return;
	e->program_type = SM_READ32(attr, bpf_attr, prog_type);
	e->instructions = SM_READ32(attr, bpf_attr, insn_cnt);
	SM_PUT_STRING(e, name, attr + SM_OFFSET(bpf_attr, prog_name));
	SM_COMMIT(e);
}

SM_MONITOR(bpf, "security_bpf", u32 command, u64 attr, u32 size)
{
	struct sm_event_bpf *e;

	(void)size;
	if (command == BPF_PROG_LOAD) {
		report_load(attr);
		return SM_ALLOW;
	}
	if (command > 63 || !(TOLD_COMMANDS >> command & 1))
		return SM_ALLOW;
	e = SM_RESERVE(bpf);
	if (!e)
		return SM_ALLOW;
	e->command = command;
	SM_COMMIT(e);
	return SM_ALLOW;
}
