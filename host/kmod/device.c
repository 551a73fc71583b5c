// SPDX-License-Identifier: GPL-2.0-or-later
/* /dev/shadowmon: include/uapi/shadowmon/ioctl.h, call by call. */

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "shadowmon.h"
#include "transport.h"

struct smh_file {
	struct mutex lock; /* vm, once set, stays */
	struct smh_vm *vm;
};

static struct smh_vm *file_vm(struct smh_file *file)
{
	/* Pairs with the store in do_attach: the attachment is complete. */
	return smp_load_acquire(&file->vm);
}

/* --- module-wide and attach ------------------------------------------------------------------- */

static int do_info(struct smh_file *file, struct sm_ioc_info *arg)
{
	arg->revision = SM_UAPI_REVISION;
	arg->abi_revision = SM_ABI_REVISION;
	arg->features = smh_protect_is_supported() ? SM_FEATURE_WRITE_TRACKING : 0;
	arg->attached = smh_vm_count();
	arg->pages = smh_pages_held();
	return 0;
}

static int do_attach(struct smh_file *file, struct sm_ioc_attach *arg)
{
	struct smh_vm *vm;
	int err = -EBUSY;

	mutex_lock(&file->lock);
	if (!file->vm) {
		err = smh_vm_attach(arg, &vm);
		if (!err)
			smp_store_release(&file->vm, vm); /* pairs with the load in file_vm */
	}
	mutex_unlock(&file->lock);
	return err;
}

/* --- guest module ------------------------------------------------------------------------------ */

static int do_agent(struct smh_vm *vm, struct sm_ioc_agent *arg)
{
	int err = -EAGAIN;

	mutex_lock(&vm->lock);
	if (vm->detached) {
		err = -ENOTCONN;
	} else if (vm->state >= SM_STATE_REGISTERED) {
		arg->abi_revision = vm->agent.revision;
		arg->gate_va = vm->agent.gate_va;
		arg->page_offset = vm->agent.page_offset;
		arg->direct_map_size = vm->agent.direct_map_size;
		arg->kernel_va = vm->agent.kernel_va;
		arg->kernel_pa = vm->agent.kernel_pa;
		arg->kernel_size = vm->agent.kernel_size;
		arg->btf_gpa = vm->agent.btf_gpa;
		arg->btf_size = vm->agent.btf_size;
		memcpy(arg->release, vm->agent.release, sizeof(arg->release));
		err = 0;
	}
	mutex_unlock(&vm->lock);
	return err;
}

static int decode_command(const struct sm_ioc_command *arg, struct sm_agent_command *ret_command)
{
	if (arg->op < SM_OP_LOOKUP || arg->op > SM_OP_BENCH || arg->op == SM_OP_LOCKED ||
	    arg->slot >= SM_SLOTS || arg->nargs > SM_ARGS_MAX || arg->timeout_ms == 0 ||
	    arg->timeout_ms > 60000 || arg->reserved ||
	    strnlen(arg->name, sizeof(arg->name)) == sizeof(arg->name))
		return -EINVAL;
	*ret_command =
		(struct sm_agent_command){.op = arg->op, .slot = arg->slot, .nargs = arg->nargs};
	strscpy(ret_command->name, arg->name, sizeof(ret_command->name));
	return 0;
}

/* What monitors that are loaded after lock need: the gate's hooks alone are looked at then; and what hooks nothing. */
static bool is_for_locked(const struct smh_vm *vm, u32 op)
{
	return op == SM_OP_BENCH ||
	       (vm->transport == SM_TRANSPORT_GATE &&
		(op == SM_OP_LOOKUP || op == SM_OP_HOOK || op == SM_OP_UNHOOK));
}

static int do_command(struct smh_vm *vm, struct sm_ioc_command *arg)
{
	struct sm_agent_command command;
	int err = decode_command(arg, &command);

	if (err)
		return err;
	mutex_lock(&vm->lock);
	if (vm->detached)
		err = -ENOTCONN;
	else if (vm->state < SM_STATE_REGISTERED)
		err = -EAGAIN;
	else if (vm->locked && !is_for_locked(vm, arg->op))
		err = -EPERM;
	mutex_unlock(&vm->lock);
	if (!err && arg->op == SM_OP_UNHOOK)
		smh_call_site_release(vm, arg->slot);
	if (!err && vm->transport == SM_TRANSPORT_EXIT && arg->op == SM_OP_HOOK)
		err = smh_exit_bind(vm, arg->slot, command.name, arg->nargs);
	return err ?: smh_command(vm, &command, arg->timeout_ms, &arg->result);
}

static int do_memslots(struct smh_vm *vm, struct sm_ioc_memslots *arg)
{
	struct sm_memslot __user *out = u64_to_user_ptr(arg->slots);
	struct kvm_memory_slot *slot;
	int idx, bkt, err = 0;
	u32 count = 0;

	mutex_lock(&vm->lock);
	if (vm->detached) {
		mutex_unlock(&vm->lock);
		return -ENOTCONN;
	}
	arg->vmm_pid = vm->kvm->userspace_pid;
	idx = srcu_read_lock(&vm->kvm->srcu);
	kvm_for_each_memslot(slot, bkt, kvm_memslots(vm->kvm)) {
		struct sm_memslot s = {
			.gpa = gfn_to_gpa(slot->base_gfn),
			.bytes = (u64)slot->npages << PAGE_SHIFT,
			.hva = slot->userspace_addr,
		};

		if (count < arg->capacity && copy_to_user(&out[count], &s, sizeof(s)))
			err = -EFAULT;
		count++;
	}
	srcu_read_unlock(&vm->kvm->srcu, idx);
	mutex_unlock(&vm->lock);
	arg->count = count;
	return err;
}

/* --- image, lock, detach ------------------------------------------------------------------------ */

static int do_load_image(struct smh_vm *vm, struct sm_ioc_load_image *arg)
{
	int err;

	if (arg->reserved)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm->detached) {
		err = -ENOTCONN;
	} else if (vm->state < SM_STATE_REGISTERED) {
		err = -EAGAIN;
	} else if (vm->image || vm->state > SM_STATE_REGISTERED) {
		err = -EBUSY;
	} else if (vm->transport != SM_TRANSPORT_GATE) {
		err = -EOPNOTSUPP;
	} else {
		err = smh_image_load(vm, arg);
		if (!err)
			vm->state = SM_STATE_LOADED;
	}
	mutex_unlock(&vm->lock);
	return err;
}

static int do_reload(struct smh_vm *vm, const struct sm_ioc_load_image *arg)
{
	return arg->reserved ? -EINVAL : smh_image_reload(vm, arg);
}

static int do_outside(struct smh_vm *vm, struct sm_ioc_outside *arg)
{
	int err;

	mutex_lock(&vm->lock);
	if (vm->detached)
		err = -ENOTCONN;
	else if (vm->transport == SM_TRANSPORT_GATE)
		err = -EOPNOTSUPP;
	else if (vm->state < SM_STATE_REGISTERED)
		err = -EAGAIN;
	else if (vm->state > SM_STATE_REGISTERED)
		err = -EBUSY;
	else
		err = smh_transport_load(vm, arg);
	if (!err)
		vm->state = SM_STATE_LOADED;
	mutex_unlock(&vm->lock);
	return err;
}

static int do_lock(struct smh_vm *vm, struct sm_ioc_lock *arg)
{
	struct sm_record_lifecycle rec = {.h.type = SM_RECORD_LIFECYCLE,
					  .what = SM_LIFECYCLE_LOCKED};
	struct sm_agent_command command = {.op = SM_OP_LOCKED};
	int err = 0;
	s64 ignored;

	if (arg->flags)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm->detached)
		err = -ENOTCONN;
	else if (vm->locked)
		err = -EALREADY;
	else if (vm->state != SM_STATE_LOADED)
		err = -EAGAIN;
	else
		err = smh_protect_start(vm);
	if (!err) {
		vm->state = SM_STATE_LOCKED;
		WRITE_ONCE(vm->locked, true);
		smh_verify_start(vm);
	}
	mutex_unlock(&vm->lock);
	if (err)
		return err;
	smh_host_ring_put(vm, &rec.h, sizeof(rec));
	/* Each vCPU's next entry is one of a locked VM. */
	smh_vm_flush(vm);
	/* For the guest module's information: nothing depends on its answer. */
	smh_command(vm, &command, 1000, &ignored);
	return 0;
}

static int do_detach(struct smh_vm *vm, struct sm_ioc_detach *arg)
{
	struct sm_agent_command command = {.op = SM_OP_UNHOOK_ALL};
	int err = 0;
	s64 result = 0;

	if (arg->timeout_ms > 60000)
		return -EINVAL;
	/* The guest module could not unhook otherwise.  Who parts with the guest trusts it with that. */
	smh_verify_stop(vm);
	smh_protect_stop(vm);
	if (arg->timeout_ms && READ_ONCE(vm->state) >= SM_STATE_REGISTERED &&
	    !READ_ONCE(vm->detached)) {
		err = smh_command(vm, &command, arg->timeout_ms, &result);
		if (!err && result)
			err = -ETIMEDOUT;
	}
	smh_vm_detach(vm);
	return err;
}

static long do_wake(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long index;

	xa_for_each(&vm->vcpus, index, v)
		wake_up_interruptible(&v->room);
	return 0;
}

/* --- file operations -------------------------------------------------------------------------------- */

union smh_arg {
	u32 size;
	struct sm_ioc_info info;
	struct sm_ioc_attach attach;
	struct sm_ioc_agent agent;
	struct sm_ioc_command command;
	struct sm_ioc_memslots memslots;
	struct sm_ioc_load_image load_image;
	struct sm_ioc_value value;
	struct sm_ioc_outside outside;
	struct sm_ioc_lock lock;
	struct sm_ioc_status status;
	struct sm_ioc_detach detach;
	struct sm_ioc_policy policy;
};

static int dispatch(struct smh_file *file, unsigned int cmd, union smh_arg *arg)
{
	struct smh_vm *vm = file_vm(file);

	switch (cmd) {
	case SM_IOC_INFO:
		return do_info(file, &arg->info);
	case SM_IOC_ATTACH:
		return do_attach(file, &arg->attach);
	}
	if (!vm)
		return -ENODEV;
	switch (cmd) {
	case SM_IOC_AGENT:
		return do_agent(vm, &arg->agent);
	case SM_IOC_COMMAND:
		return do_command(vm, &arg->command);
	case SM_IOC_MEMSLOTS:
		return do_memslots(vm, &arg->memslots);
	case SM_IOC_LOAD_IMAGE:
		return do_load_image(vm, &arg->load_image);
	case SM_IOC_RELOAD:
		return do_reload(vm, &arg->load_image);
	case SM_IOC_POLICY:
		return smh_policy_set(vm, &arg->policy);
	case SM_IOC_VALUE:
		return smh_exit_value(vm, &arg->value);
	case SM_IOC_OUTSIDE:
		return do_outside(vm, &arg->outside);
	case SM_IOC_LOCK:
		return do_lock(vm, &arg->lock);
	case SM_IOC_STATUS:
		return smh_status(vm, &arg->status);
	case SM_IOC_DETACH:
		return do_detach(vm, &arg->detach);
	default:
		return -ENOTTY;
	}
}

/* By all its bits: the size among them is that of what is copied. */
static bool is_known(unsigned int cmd)
{
	switch (cmd) {
	case SM_IOC_INFO:
	case SM_IOC_ATTACH:
	case SM_IOC_AGENT:
	case SM_IOC_COMMAND:
	case SM_IOC_MEMSLOTS:
	case SM_IOC_LOAD_IMAGE:
	case SM_IOC_RELOAD:
	case SM_IOC_POLICY:
	case SM_IOC_LOCK:
	case SM_IOC_STATUS:
	case SM_IOC_WAKE:
	case SM_IOC_DETACH:
	case SM_IOC_VALUE:
	case SM_IOC_OUTSIDE:
	case SM_IOC_SERVE:
		return true;
	default:
		return false;
	}
}

static long smh_ioctl(struct file *filp, unsigned int cmd, unsigned long user)
{
	void __user *from = (void __user *)user;
	union smh_arg *arg;
	u32 size;
	long ret;

	if (!is_known(cmd))
		return -ENOTTY;
	if (cmd == SM_IOC_SERVE)
		return file_vm(filp->private_data)
			       ? smh_user_serve(file_vm(filp->private_data), user)
			       : -ENODEV;
	if (cmd == SM_IOC_WAKE)
		return file_vm(filp->private_data) ? do_wake(file_vm(filp->private_data)) : -ENODEV;
	if (get_user(size, (u32 __user *)from))
		return -EFAULT;
	if (size < _IOC_SIZE(cmd))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	arg = kzalloc(sizeof(*arg), GFP_KERNEL_ACCOUNT);
	if (!arg)
		return -ENOMEM;
	ret = copy_struct_from_user(arg, _IOC_SIZE(cmd), from, size);
	if (!ret)
		ret = dispatch(filp->private_data, cmd, arg);
	if (ret >= 0 && copy_to_user(from, arg, _IOC_SIZE(cmd)))
		ret = -EFAULT;
	kfree(arg);
	return ret;
}

static int smh_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct smh_vm *vm = file_vm(filp->private_data);
	unsigned long stride = SM_MMAP_RING(1) >> PAGE_SHIFT,
		      host = SM_MMAP_HOST_RING >> PAGE_SHIFT,
		      server = SM_MMAP_SERVER(0) >> PAGE_SHIFT;
	struct smh_vcpu *v;

	if (!vm)
		return -ENODEV;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff >= server) {
		v = xa_load(&vm->vcpus, (vma->vm_pgoff - server) / stride);
		return v ? smh_user_mmap(v, vma, (vma->vm_pgoff - server) % stride) : -ENXIO;
	}
	if (vma->vm_pgoff >= host)
		return smh_ring_mmap(&vm->host_ring.ring, vma, vma->vm_pgoff - host, false);
	v = xa_load(&vm->vcpus, vma->vm_pgoff / stride);
	if (!v)
		return -ENXIO;
	return smh_ring_mmap(&v->ring, vma, vma->vm_pgoff % stride,
			     vm->transport == SM_TRANSPORT_USER);
}

static bool has_records(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long index;

	if (smh_ring_has_records(&vm->host_ring.ring))
		return true;
	xa_for_each(&vm->vcpus, index, v)
		if (smh_ring_has_records(&v->ring))
			return true;
	return false;
}

static __poll_t smh_poll(struct file *filp, poll_table *wait)
{
	struct smh_vm *vm = file_vm(filp->private_data);
	__poll_t events = 0;

	if (!vm)
		return EPOLLERR;
	poll_wait(filp, &vm->readers, wait);
	if (has_records(vm))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(vm->gone) || READ_ONCE(vm->detached))
		events |= EPOLLHUP;
	return events;
}

static int smh_open(struct inode *inode, struct file *filp)
{
	struct smh_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

static int smh_release(struct inode *inode, struct file *filp)
{
	struct smh_file *file = filp->private_data;

	if (file->vm) {
		smh_vm_detach(file->vm);
		smh_vm_put(file->vm);
	}
	kfree(file);
	return 0;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = smh_open,
	.release = smh_release,
	.unlocked_ioctl = smh_ioctl,
	.mmap = smh_mmap,
	.poll = smh_poll,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shadowmon",
	.fops = &fops,
	.mode = 0600,
};

int smh_device_register(void)
{
	return misc_register(&device);
}

void smh_device_unregister(void)
{
	misc_deregister(&device);
}
