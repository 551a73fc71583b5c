// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kernel_types.h"
#include "prepare.h"
#include "schema.h"

#define BTF_MAX (64u << 20)

void sm_prepare_progress(const struct sm_prepare *p, const char *what)
{
	if (p->progress)
		p->progress(p->progress_ctx, what);
}

int sm_prepare_open_image(struct sm_prepare *p, const struct sm_schema *base)
{
	int code;

	if (!p->image_path)
		return sm_error_set(p->err, -EINVAL, "no monitor image is named");
	code = sm_image_open_file_after(p->image_path, base, &p->image, p->err);
	return code ? code : sm_image_choose(p->image, p->monitors, p->err);
}

int sm_prepare_find_agent(struct sm_prepare *p)
{
	p->agent.size = sizeof(p->agent);
	if (ioctl(p->fd, SM_IOC_AGENT, &p->agent) < 0)
		return errno == EAGAIN ? -EAGAIN
				       : sm_error_set(p->err, -errno,
						      "the VM ended while being attached: %s",
						      strerror(errno));
	p->agent.release[sizeof(p->agent.release) - 1] = '\0';
	return 0;
}

int sm_prepare_read_btf(struct sm_prepare *p, uint64_t *ret_mark)
{
	struct sm_guest_memory memory;
	void *data;
	int code;

	sm_prepare_progress(p, "reading the kernel's types");
	if (p->agent.btf_size == 0 || p->agent.btf_size > BTF_MAX)
		return sm_error_set(p->err, -EINVAL, "the guest's BTF claims %llu bytes",
				    (unsigned long long)p->agent.btf_size);
	code = sm_guest_memory_open(p->fd, &memory, p->err);
	if (code)
		return code;
	/* Not of malloc(), which may keep megabytes for the next time. */
	data = mmap(NULL, p->agent.btf_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (data == MAP_FAILED) {
		code = sm_error_set(p->err, -ENOMEM, "no memory for the guest's BTF");
		goto close;
	}
	code = sm_guest_memory_read(&memory, p->agent.btf_gpa, data, p->agent.btf_size);
	if (code) {
		sm_error_set(p->err, code, "cannot read the guest's BTF from its memory: %s",
			     strerror(-code));
		goto unmap;
	}
	code = sm_kernel_types_open(data, p->agent.btf_size, &p->btf, ret_mark, p->err);
unmap:
	munmap(data, p->agent.btf_size);
close:
	sm_guest_memory_close(&memory);
	return code;
}

static void report_unchecked(const struct sm_prepare *p, const char *function)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "the guest's BTF does not know %s: its arguments are not checked", function);
	sm_prepare_progress(p, text);
}

/* What is missing is missing in a certain kernel. */
static int name_release(const struct sm_prepare *p, int code)
{
	char text[sizeof(p->err->text)];

	if (p->err && code == -ENOENT) {
		snprintf(text, sizeof(text), "%s", p->err->text);
		sm_error_set(p->err, code, "%s (it runs %s)", text, p->agent.release);
	}
	return code;
}

/* The stub saves nargs argument registers: fewer than the function has would corrupt the guest. */
static int check_arguments(struct sm_prepare *p)
{
	const struct sm_image_hook *hooks;
	unsigned int count = sm_image_hooks(p->image, &hooks), i;

	for (i = 0; i < count; i++) {
		int args = sm_btf_function_args(p->btf, hooks[i].function);

		/* Functions of modules are not in there. */
		if (args == -ENOENT)
			report_unchecked(p, hooks[i].function);
		else if (args < 0)
			return sm_error_set(
				p->err, args,
				"%s cannot be hooked: not all of its arguments are in integer registers",
				hooks[i].function);
		else if ((unsigned int)args != hooks[i].nargs)
			return sm_error_set(
				p->err, -EINVAL,
				"%s has %d arguments in the guest's kernel, %u in the image",
				hooks[i].function, args, hooks[i].nargs);
	}
	return 0;
}

int sm_prepare_link(struct sm_prepare *p, struct sm_resolve *resolve)
{
	int code;

	sm_prepare_progress(p, "linking the monitors");
	code = sm_image_link(p->image, resolve->agent->gate_va + SM_VA_IMAGE, sm_resolve_symbol,
			     resolve, p->err);
	if (!code)
		code = check_arguments(p);
	return code ? name_release(p, code) : 0;
}

static const char *hook_remedy(int code)
{
	switch (code) {
	case -EOPNOTSUPP:
		return "it cannot be traced there";
	case -ENOENT:
		return "it has no such function";
	case -EBUSY:
		return "another user of ftrace has it: a live patch, or a BPF trampoline";
	case -ETIMEDOUT:
		return "the guest module did not answer";
	case -EPERM:
		return "the guest module says that it did, and the call is not there";
	default:
		return strerror(-code);
	}
}

int sm_prepare_hook(struct sm_prepare *p, const struct sm_image_hook *hook)
{
	int64_t result = 0;
	int code = sm_guest_command(p->fd, SM_OP_HOOK, hook->function, hook->slot, hook->nargs,
				    &result);

	if (!code && result)
		code = (int)result;
	return code ? sm_error_set(p->err, code, "cannot hook %s in the guest's kernel: %s",
				   hook->function, hook_remedy(code))
		    : 0;
}

void sm_prepare_close(struct sm_prepare *p)
{
	sm_image_close(p->image);
	sm_btf_close(p->btf);
	p->image = NULL;
	p->btf = NULL;
}
