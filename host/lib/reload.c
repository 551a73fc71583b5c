// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Other monitors for a guest that is locked.  New functions are hooked first, into slots for which the image
 * that runs has no handler; then the images change; then functions that nobody needs any more are unhooked.
 * So until the images have changed, everything can be taken back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "attachment.h"
#include "image.h"
#include "policy_internal.h"
#include "prepare.h"
#include "schema.h"

struct reload {
	struct sm_prepare p;
	const struct sm_reload_options *options;
	struct sm_attachment *attachment;
	unsigned int nr_before; /* hooks of the attachment when this began */
	char *monitors;
	bool changed; /* some vCPU may have the new image: nothing is taken back */
};

static const struct sm_image_hook *find(const struct sm_image_hook *hooks, unsigned int count,
					unsigned int slot)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (hooks[i].slot == slot)
			return &hooks[i];
	return NULL;
}

static int unhook(struct reload *r, unsigned int slot)
{
	int64_t result = 0;
	int code = sm_guest_command(r->p.fd, SM_OP_UNHOOK, "", slot, 0, &result);

	return code ? code : (int)result;
}

static void drop_hook(struct sm_attachment *attachment, unsigned int i)
{
	attachment->hooks[i] = attachment->hooks[--attachment->nr_hooks];
}

static int open_image(struct reload *r)
{
	int code = sm_prepare_open_image(&r->p, r->attachment->schema);

	if (!code)
		sm_image_keep(r->p.image, r->attachment->hooks, r->attachment->nr_hooks);
	return code;
}

static int read_btf(struct reload *r)
{
	uint64_t mark;
	int code = sm_prepare_find_agent(&r->p);

	if (!code)
		code = sm_prepare_read_btf(&r->p, &mark);
	if (!code && mark != r->attachment->btf_mark)
		code = sm_error_set(
			r->p.err, -ESTALE,
			"the guest has changed its kernel's types since it was attached: "
			"detach and attach, if you trust it");
	return code;
}

static int link_image(struct reload *r)
{
	struct sm_resolve resolve = {
		.fd = r->p.fd,
		.agent = &r->p.agent,
		.btf = r->p.btf,
		.symbols = &r->attachment->symbols,
		.err = r->p.err,
	};
	int code = sm_prepare_link(&r->p, &resolve);

	if (code)
		return code;
	r->monitors = sm_image_chosen(r->p.image);
	return r->monitors ? 0 : sm_error_set(r->p.err, -ENOMEM, "no memory for the monitors");
}

/* None of them shall end because its monitor goes. */
static int check_policies(struct reload *r)
{
	const struct sm_reload_options *o = r->options;
	const struct policy_hooks hooks = policy_hooks(r->p.image);

	if (o->nr_policies && !r->p.image->policy)
		return sm_error_set(r->p.err, -EOPNOTSUPP,
				    "the image has no policies: delete those of the VM first");
	return policy_check_hooks(&hooks, o->policies, o->nr_policies, r->p.err);
}

/* A function has one number of arguments, and so one stub a slot; only BTF lacks those of modules. */
static int check_kept(struct reload *r, const struct sm_image_hook *hook,
		      const struct sm_image_hook *kept)
{
	if (kept->nargs == hook->nargs)
		return 0;
	return sm_error_set(r->p.err, -EINVAL, "%s is hooked with %u arguments, the image has %u",
			    hook->function, kept->nargs, hook->nargs);
}

static int hook(struct reload *r)
{
	struct sm_attachment *attachment = r->attachment;
	const struct sm_image_hook *hooks, *kept;
	unsigned int count = sm_image_hooks(r->p.image, &hooks), i;
	int code = 0;

	sm_prepare_progress(&r->p, "hooking the guest's kernel");
	for (i = 0; i < count && !code; i++) {
		kept = find(attachment->hooks, r->nr_before, hooks[i].slot);
		if (kept) {
			code = check_kept(r, &hooks[i], kept);
			continue;
		}
		/* One that fails may have been hooked all the same. */
		attachment->hooks[attachment->nr_hooks++] = hooks[i];
		code = sm_prepare_hook(&r->p, &hooks[i]);
	}
	return code;
}

/* Before records of new types can come. */
static int publish_schema(struct reload *r)
{
	struct sm_attachment *attachment = r->attachment;
	struct sm_schema **old =
		reallocarray(attachment->old_schemas, attachment->nr_old_schemas + 1, sizeof(*old));

	if (!old)
		return sm_error_set(r->p.err, -ENOMEM, "no memory for the monitors");
	attachment->old_schemas = old;
	old[attachment->nr_old_schemas++] = attachment->schema;
	attachment->schema = sm_image_take_schema(r->p.image);
	return 0;
}

static const char *change_remedy(int error)
{
	switch (error) {
	case EBUSY:
		return "a vCPU has not run since the last change";
	case ETIMEDOUT:
		return "a vCPU does not run, and has those of before until it does";
	default:
		return strerror(error);
	}
}

static int change(struct reload *r)
{
	struct sm_ioc_load_image arg;
	int error;

	sm_prepare_progress(&r->p, "changing the monitors");
	sm_image_describe(r->p.image, &arg);
	error = ioctl(r->p.fd, SM_IOC_RELOAD, &arg) < 0 ? errno : 0;
	r->changed = error == 0 || error == ETIMEDOUT;
	return error ? sm_error_set(r->p.err, -error,
				    "the host module does not change the monitors: %s",
				    change_remedy(error))
		     : 0;
}

/* Nobody is bound to them: if the guest does not let go, that is all that it gets. */
static void unhook_rest(struct reload *r)
{
	struct sm_attachment *attachment = r->attachment;
	const struct sm_image_hook *hooks;
	unsigned int count = sm_image_hooks(r->p.image, &hooks), i;

	for (i = attachment->nr_hooks; i-- > 0;)
		if (!find(hooks, count, attachment->hooks[i].slot) &&
		    unhook(r, attachment->hooks[i].slot) == 0)
			drop_hook(attachment, i);
}

static void take_back(struct reload *r)
{
	struct sm_attachment *attachment = r->attachment;
	unsigned int i;
	int code;

	for (i = attachment->nr_hooks; i-- > r->nr_before;) {
		code = unhook(r, attachment->hooks[i].slot);
		if (code == 0 || code == -ENOENT)
			drop_hook(attachment, i);
	}
}

int sm_reload(struct sm_attachment *attachment, const struct sm_reload_options *options,
	      struct sm_error *err)
{
	static int (*const steps[])(struct reload *) = {
		open_image, read_btf, link_image, check_policies, hook, publish_schema, change,
	};
	struct reload r = {
		.p = {.image_path = options->image_path,
		      .monitors = options->monitors,
		      .progress = options->progress,
		      .progress_ctx = options->progress_ctx,
		      .err = err,
		      .fd = attachment->fd},
		.options = options,
		.attachment = attachment,
		.nr_before = attachment->nr_hooks,
	};
	int code = 0;
	size_t i;

	if (attachment->transport != SM_TRANSPORT_GATE)
		return sm_error_set(err, -ENOTSUP,
				    "monitors cannot be changed while events do not "
				    "come by the gate: detach and attach");
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && !code; i++)
		code = steps[i](&r);
	if (code && !r.changed) {
		take_back(&r);
		free(r.monitors);
	} else {
		attachment->policy_hooks = policy_hooks(r.p.image);
		unhook_rest(&r);
		free(attachment->monitors);
		attachment->monitors = r.monitors;
	}
	sm_prepare_close(&r.p);
	return code;
}
