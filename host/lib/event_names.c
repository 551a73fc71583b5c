// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "event_internal.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *name_of(const char *const *names, size_t count, u32 number)
{
	return number < count && names[number] ? names[number] : "unknown";
}

const char *sm_event_type_name(enum sm_event_type type)
{
	static const char *const names[] = {
		[SM_EVENT_EXEC] = "process_exec",
		[SM_EVENT_EXIT] = "process_exit",
		[SM_EVENT_MODULE_LOAD] = "module_load",
		[SM_EVENT_MODULE_UNLOAD] = "module_unload",
		[SM_EVENT_LOSS] = "loss",
		[SM_EVENT_CORRUPT] = "corrupt",
		[SM_EVENT_VIOLATION] = "violation",
		[SM_EVENT_ABORT] = "abort",
		[SM_EVENT_LIFECYCLE] = "lifecycle",
		[SM_EVENT_OTHER] = "user",
		[SM_EVENT_DECLARED] = "declared",
	};

	return name_of(names, COUNT(names), type);
}

const char *sm_event_name(const struct sm_event *event)
{
	return event->type == SM_EVENT_DECLARED ? sm_schema_event_name(event->declared.schema)
						: sm_event_type_name(event->type);
}

const char *sm_violation_reason_name(u32 reason)
{
	static const char *const names[] = {
		[SM_REASON_NONE] = "none",
		[SM_REASON_CR3_TEST] = "cr3_test",
		[SM_REASON_VMFUNC] = "vmfunc",
		[SM_REASON_SHADOW_ACCESS] = "shadow_access",
		[SM_REASON_EPT_VIOLATION] = "ept_violation",
		[SM_REASON_TRIPLE_FAULT] = "triple_fault",
		[SM_REASON_EXCEPTION] = "exception",
		[SM_REASON_EXIT] = "exit",
		[SM_REASON_BUDGET] = "budget",
		[SM_REASON_RIP] = "rip",
		[SM_REASON_PANIC] = "panic",
		[SM_REASON_DESCRIPTOR] = "descriptor",
		[SM_REASON_DETACH] = "detach",
		[SM_REASON_HYPERCALL] = "hypercall",
		[SM_REASON_HOOK_WRITE] = "hook_write",
		[SM_REASON_CR0] = "cr0",
		[SM_REASON_CR4] = "cr4",
		[SM_REASON_EFER] = "efer",
		[SM_REASON_LSTAR] = "lstar",
		[SM_REASON_SYSENTER] = "sysenter",
		[SM_REASON_VMM] = "vmm",
		[SM_REASON_HOOK_CHANGED] = "hook_changed",
		[SM_REASON_HOOK_MAPPED] = "hook_mapped",
	};

	return name_of(names, COUNT(names), reason);
}

const char *sm_lifecycle_name(u32 what)
{
	static const char *const names[] = {
		[SM_LIFECYCLE_REGISTERED] = "registered",
		[SM_LIFECYCLE_LOCKED] = "locked",
		[SM_LIFECYCLE_VCPU_ADDED] = "vcpu_added",
		[SM_LIFECYCLE_RESET] = "reset",
		[SM_LIFECYCLE_MONITOR_DISABLED] = "monitor_disabled",
		[SM_LIFECYCLE_RESTORED] = "restored",
		[SM_LIFECYCLE_KEXEC] = "kexec",
		[SM_LIFECYCLE_RELOADED] = "reloaded",
	};

	return name_of(names, COUNT(names), what);
}

const char *sm_view_name(u32 view)
{
	static const char *const names[] = {
		[SM_VIEW_TARGET] = "target",
		[SM_VIEW_GATE] = "gate",
		[SM_VIEW_MONITOR] = "monitor",
	};

	return name_of(names, COUNT(names), view);
}

/* Intel SDM vol. 3, appendix C. */
const char *sm_exit_reason_name(u32 exit_reason)
{
	static const char *const names[] = {
		[0] = "EXCEPTION_NMI",
		[1] = "EXTERNAL_INTERRUPT",
		[2] = "TRIPLE_FAULT",
		[3] = "INIT_SIGNAL",
		[4] = "SIPI_SIGNAL",
		[5] = "IO_SMI",
		[6] = "OTHER_SMI",
		[7] = "INTERRUPT_WINDOW",
		[8] = "NMI_WINDOW",
		[9] = "TASK_SWITCH",
		[10] = "CPUID",
		[11] = "GETSEC",
		[12] = "HLT",
		[13] = "INVD",
		[14] = "INVLPG",
		[15] = "RDPMC",
		[16] = "RDTSC",
		[17] = "RSM",
		[18] = "VMCALL",
		[19] = "VMCLEAR",
		[20] = "VMLAUNCH",
		[21] = "VMPTRLD",
		[22] = "VMPTRST",
		[23] = "VMREAD",
		[24] = "VMRESUME",
		[25] = "VMWRITE",
		[26] = "VMXOFF",
		[27] = "VMXON",
		[28] = "CR_ACCESS",
		[29] = "DR_ACCESS",
		[30] = "IO_INSTRUCTION",
		[31] = "RDMSR",
		[32] = "WRMSR",
		[33] = "INVALID_GUEST_STATE",
		[34] = "MSR_LOADING",
		[36] = "MWAIT",
		[37] = "MONITOR_TRAP_FLAG",
		[39] = "MONITOR",
		[40] = "PAUSE",
		[41] = "MACHINE_CHECK",
		[43] = "TPR_BELOW_THRESHOLD",
		[44] = "APIC_ACCESS",
		[45] = "VIRTUALIZED_EOI",
		[46] = "GDTR_IDTR",
		[47] = "LDTR_TR",
		[48] = "EPT_VIOLATION",
		[49] = "EPT_MISCONFIGURATION",
		[50] = "INVEPT",
		[51] = "RDTSCP",
		[52] = "PREEMPTION_TIMER",
		[53] = "INVVPID",
		[54] = "WBINVD",
		[55] = "XSETBV",
		[56] = "APIC_WRITE",
		[57] = "RDRAND",
		[58] = "INVPCID",
		[59] = "VMFUNC",
		[60] = "ENCLS",
		[61] = "RDSEED",
		[62] = "PML_FULL",
		[63] = "XSAVES",
		[64] = "XRSTORS",
		[66] = "SPP_RELATED",
		[67] = "UMWAIT",
		[68] = "TPAUSE",
		[69] = "LOADIWKEY",
		[72] = "ENQCMD_PASID",
		[73] = "ENQCMDS_PASID",
		[74] = "BUS_LOCK",
		[75] = "NOTIFY",
	};

	return name_of(names, COUNT(names), exit_reason);
}

const char *sm_signal_name(u32 signal, char text[16])
{
	const char *name = signal && signal < 32 ? sigabbrev_np((int)signal) : NULL;

	if (!signal)
		return "";
	if (name)
		snprintf(text, 16, "SIG%s", name);
	else
		snprintf(text, 16, "SIG%u", signal);
	return text;
}
