// SPDX-License-Identifier: GPL-2.0-or-later
/* One command at a time from an ioctl to the guest module, which fetches it by VMCALL. */

#include "shadowmon.h"

static bool is_over(struct smh_vm *vm)
{
	return READ_ONCE(vm->command_state) == SMH_COMMAND_DONE || READ_ONCE(vm->parting) ||
	       READ_ONCE(vm->gone);
}

int smh_command(struct smh_vm *vm, const struct sm_agent_command *command, u32 timeout_ms,
		s64 *ret_result)
{
	long left;
	u32 id;
	int err;

	mutex_lock(&vm->command_lock);
	spin_lock(&vm->mailbox_lock);
	/* An answer to an earlier command, given up by then, must not pass for this one's. */
	id = vm->command.id + 1;
	vm->command = *command;
	vm->command.id = id;
	vm->command_state = SMH_COMMAND_QUEUED;
	spin_unlock(&vm->mailbox_lock);

	left = wait_event_interruptible_timeout(vm->command_wait, is_over(vm),
						msecs_to_jiffies(timeout_ms));

	spin_lock(&vm->mailbox_lock);
	if (vm->command_state == SMH_COMMAND_DONE) {
		*ret_result = vm->command_result;
		err = 0;
	} else if (left < 0) {
		err = -EINTR;
	} else {
		err = left ? -ENOTCONN : -ETIMEDOUT;
	}
	vm->command_state = SMH_COMMAND_NONE;
	spin_unlock(&vm->mailbox_lock);
	mutex_unlock(&vm->command_lock);
	return err;
}

void smh_command_take(struct smh_vm *vm, struct sm_agent_command *ret_command)
{
	spin_lock(&vm->mailbox_lock);
	if (vm->command_state == SMH_COMMAND_QUEUED || vm->command_state == SMH_COMMAND_TAKEN) {
		*ret_command = vm->command;
		vm->command_state = SMH_COMMAND_TAKEN;
	}
	spin_unlock(&vm->mailbox_lock);
}

bool smh_command_peek(struct smh_vm *vm, u64 id, struct sm_agent_command *ret_command)
{
	bool ret;

	spin_lock(&vm->mailbox_lock);
	ret = vm->command_state == SMH_COMMAND_TAKEN && vm->command.id == id;
	if (ret)
		*ret_command = vm->command;
	spin_unlock(&vm->mailbox_lock);
	return ret;
}

int smh_command_answer(struct smh_vm *vm, u64 id, s64 result)
{
	int err = -ENOENT;

	spin_lock(&vm->mailbox_lock);
	if (vm->command_state == SMH_COMMAND_TAKEN && vm->command.id == id) {
		vm->command_result = result;
		WRITE_ONCE(vm->command_state, SMH_COMMAND_DONE);
		err = 0;
	}
	spin_unlock(&vm->mailbox_lock);
	if (!err)
		wake_up_all(&vm->command_wait);
	return err;
}
