// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "log.h"

static void fail_by(struct client *client, int error, const struct sm_error *err)
{
	const char *code = error == -ENOENT     ? SM_CODE_NOT_FOUND
			   : error == -ENOTUNIQ ? SM_CODE_AMBIGUOUS
						: SM_CODE_FAILED;

	client_fail(client, code, err->text[0] ? err->text : strerror(-error));
}

/* A string that a VM can be meant by; false: the client was told that it is none. */
static bool check_selector(struct client *client, const char *selector)
{
	if (selector[0] && strlen(selector) <= SM_VM_SELECTOR_MAX)
		return true;
	client_fail(client, SM_CODE_BAD_REQUEST, "\"vm\" is empty or too long");
	return false;
}

static bool check_range(struct client *client, const char *what, json_int_t value, json_int_t min,
			json_int_t max)
{
	struct sm_error err;

	if (value >= min && value <= max)
		return true;
	snprintf(err.text, sizeof(err.text), "\"%s\" must lie between %lld and %lld", what,
		 (long long)min, (long long)max);
	client_fail(client, SM_CODE_BAD_REQUEST, err.text);
	return false;
}

/* --- list ------------------------------------------------------------------------------------- */

static json_t *vm_item(const struct sm_vm *vm, const struct attachment *attachment)
{
	static const char *const states[] = {
		[ATTACHING] = "attaching", [ATTACHED] = "attached", [RELOADING] = "reloading",
		[DETACHING] = "detaching", [WAITING] = "waiting",
	};
	json_t *item = sm_vm_json(vm);
	u64 memory;

	json_object_set_new(item, "attached",
			    json_boolean(attachment && attachment->state == ATTACHED));
	json_object_set_new(item, "state",
			    json_string(attachment ? states[attachment->state] : "none"));
	if (attachment && attachment->state == ATTACHED &&
	    sm_memory_read(sm_attachment_fd(attachment->handle), &memory) == 0) {
		json_object_set_new(item, "memory", json_integer((json_int_t)memory));
		json_object_set_new(item, "memory_source", json_string("memslots"));
	}
	return item;
}

static void send_item(struct client *client, json_t *item)
{
	client_send(client, json_pack("{s:o}", "item", item));
}

void send_ok(struct client *client)
{
	client_send(client, json_pack("{s:b}", "ok", 1));
}

static void do_list(struct client *client, json_t *request)
{
	struct sm_error err = {0};
	struct sm_vms vms;
	json_error_t error;
	const char *op;
	size_t i;
	int result;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s}", "op", &op) &&
	    unpack_failed(client, &error))
		return;
	result = sm_vms_scan("/proc", &vms, &err);
	if (result) {
		fail_by(client, result, &err);
		return;
	}
	for (i = 0; i < vms.count; i++)
		send_item(client,
			  vm_item(&vms.vms[i], attachment_of(client_daemon(client), &vms.vms[i])));
	sm_vms_free(&vms);
	send_ok(client);
}

/* --- attach ----------------------------------------------------------------------------------- */

static bool decode_attach(struct client *client, json_t *request, const char **ret_vm,
			  struct sm_attach_options *ret_options, json_t **ret_policies)
{
	const char *op, *vm, *full_ring = "drop", *image = SM_IMAGE_PATH, *transport = "gate",
			     *monitors = NULL;
	json_int_t ring_size = 0, budget_us = 0, max_aborts = -1, timeout_ms = SM_ATTACH_TIMEOUT_MS;
	json_error_t error;

	if (json_unpack_ex(request, &error, JSON_STRICT,
			   "{s:s, s:s, s?s, s?I, s?I, s?I, s?I, s?s, s?s, s?s, s?o}", "op", &op,
			   "vm", &vm, "full_ring", &full_ring, "ring_size", &ring_size, "budget_us",
			   &budget_us, "max_aborts", &max_aborts, "timeout_ms", &timeout_ms,
			   "image", &image, "monitors", &monitors, "transport", &transport,
			   "policies", ret_policies))
		return !unpack_failed(client, &error);
	if (!check_selector(client, vm) ||
	    !check_range(client, "timeout_ms", timeout_ms, 1, SM_ATTACH_TIMEOUT_MS_MAX) ||
	    (budget_us && !check_range(client, "budget_us", budget_us, 100, 1000000)) ||
	    (max_aborts != -1 && !check_range(client, "max_aborts", max_aborts, 0, 1000000)) ||
	    (ring_size &&
	     !check_range(client, "ring_size", ring_size, SM_RING_MIN_SIZE, SM_RING_MAX_SIZE)))
		return false;
	if (ring_size & (ring_size - 1)) {
		client_fail(client, SM_CODE_BAD_REQUEST, "\"ring_size\" must be a power of two");
		return false;
	}
	if (strcmp(full_ring, "drop") && strcmp(full_ring, "block")) {
		client_fail(client, SM_CODE_BAD_REQUEST, "\"full_ring\" must be drop or block");
		return false;
	}
	if (strcmp(transport, "gate") && strcmp(transport, "exit") && strcmp(transport, "user")) {
		client_fail(client, SM_CODE_BAD_REQUEST,
			    "\"transport\" must be gate, exit or user");
		return false;
	}
	if (strcmp(transport, "user") == 0 && strcmp(full_ring, "block") == 0) {
		client_fail(client, SM_CODE_BAD_REQUEST,
			    "with the transport user a full ring cannot block");
		return false;
	}
	if (image[0] != '/') {
		client_fail(client, SM_CODE_BAD_REQUEST, "\"image\" must be an absolute path");
		return false;
	}
	*ret_vm = vm;
	*ret_options = (struct sm_attach_options){
		.flags = strcmp(full_ring, "block") == 0 ? SM_ATTACH_BLOCK : 0,
		.transport = strcmp(transport, "gate") == 0   ? SM_TRANSPORT_GATE
			     : strcmp(transport, "exit") == 0 ? SM_TRANSPORT_EXIT
							      : SM_TRANSPORT_USER,
		.ring_size = (u32)ring_size,
		.budget_us = (u32)budget_us,
		.max_aborts = max_aborts < 0    ? 0
			      : max_aborts == 0 ? SM_MAX_ABORTS_NEVER
						: (u32)max_aborts,
		.timeout_ms = (unsigned int)timeout_ms,
		.image_path = image,
		.monitors = monitors,
	};
	return true;
}

static void attach(struct client *client, const struct sm_vm *vm, struct sm_attach_options *options,
		   json_t *policies)
{
	struct sm_error err_text = {0};
	struct daemon *daemon = client_daemon(client);
	struct attachment *attachment;
	int err = -ENOMEM;

	if (attachment_of(daemon, vm)) {
		client_fail(client, SM_CODE_ALREADY_ATTACHED,
			    "this VM is attached, or about to be attached or detached");
		return;
	}
	options->vmm_pid = vm->pid;
	options->vm_fd = vm->fd;
	attachment = attachment_create(daemon, vm, options);
	if (attachment)
		err = attachment_decode_policies(attachment, policies, &err_text);
	if (attachment && !err)
		err = job_attach(attachment, client);
	if (err) {
		client_fail(client, SM_CODE_FAILED,
			    err_text.text[0] ? err_text.text : strerror(-err));
		if (attachment)
			attachment_destroy(attachment);
	}
}

static void do_attach(struct client *client, json_t *request)
{
	struct sm_attach_options options;
	json_t *policies = NULL;
	struct sm_error err = {0};
	const struct sm_vm *vm;
	const char *selector;
	struct sm_vms vms;
	int result;

	if (!decode_attach(client, request, &selector, &options, &policies))
		return;
	result = sm_vms_scan("/proc", &vms, &err);
	if (result) {
		fail_by(client, result, &err);
		return;
	}
	result = sm_vms_find(&vms, selector, &vm, &err);
	if (result)
		fail_by(client, result, &err);
	else
		attach(client, vm, &options, policies);
	sm_vms_free(&vms);
}

/* --- what needs an attachment ----------------------------------------------------------------- */

/* Tells apart a VM that is not attached from one that does not exist. */
static void fail_not_attached(struct client *client, const char *selector)
{
	struct sm_error err = {0};
	const struct sm_vm *vm;
	struct sm_vms vms;
	int result;

	result = sm_vms_scan("/proc", &vms, &err);
	if (!result) {
		result = sm_vms_find(&vms, selector, &vm, &err);
		sm_vms_free(&vms);
	}
	if (result)
		fail_by(client, result, &err);
	else
		client_fail(client, SM_CODE_NOT_ATTACHED, "this VM is not attached");
}

/* The attachment that is meant, in whatever state; NULL: the client was told why there is none. */
static struct attachment *find_any(struct client *client, const char *selector)
{
	struct attachment *attachment;
	struct sm_error err = {0};
	int result;

	if (!check_selector(client, selector))
		return NULL;
	result = attachment_find(client_daemon(client), selector, &attachment, &err);
	if (result == -ENOENT)
		fail_not_attached(client, selector);
	else if (result)
		fail_by(client, result, &err);
	return result ? NULL : attachment;
}

/* The same, and it is attached. */
static bool check_attached(struct client *client, const struct attachment *attachment)
{
	if (attachment->state == ATTACHED)
		return true;
	client_fail(
		client, SM_CODE_BUSY,
		attachment->again
			? "this VM was reset: it is attached again when its guest module answers"
			: "this VM is just being attached, changed or detached");
	return false;
}

struct attachment *request_attachment(struct client *client, const char *selector)
{
	struct attachment *attachment = find_any(client, selector);

	return attachment && check_attached(client, attachment) ? attachment : NULL;
}

static void do_detach(struct client *client, json_t *request)
{
	json_int_t timeout_ms = SM_DETACH_TIMEOUT_MS;
	struct attachment *attachment;
	const char *op, *selector;
	json_error_t error;
	int err;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s, s?I}", "op", &op, "vm",
			   &selector, "timeout_ms", &timeout_ms) &&
	    unpack_failed(client, &error))
		return;
	if (!check_range(client, "timeout_ms", timeout_ms, 1, SM_DETACH_TIMEOUT_MS_MAX))
		return;
	attachment = find_any(client, selector);
	if (!attachment)
		return;
	if (attachment->again) {
		attachment_give_up(attachment);
		send_ok(client);
		return;
	}
	if (!check_attached(client, attachment))
		return;
	err = job_detach(attachment, client, (unsigned int)timeout_ms);
	if (err)
		client_fail(client, SM_CODE_FAILED, strerror(-err));
}

/* "a,b" and "-c": both, one, or "default". */
static char *join(const char *monitors, const char *change)
{
	char *list;

	if (!monitors)
		monitors = "default";
	if (asprintf(&list, "%s%s%s", monitors, change ? "," : "", change ? change : "") < 0)
		return NULL;
	return list;
}

static bool check_reload(struct client *client, const char *image, const char *monitors,
			 const char *change)
{
	if (image && image[0] != '/')
		client_fail(client, SM_CODE_BAD_REQUEST, "\"image\" must be an absolute path");
	else if (monitors && change)
		client_fail(client, SM_CODE_BAD_REQUEST,
			    "\"monitors\" and \"change\" exclude each other");
	else if ((monitors && !monitors[0]) || (change && !change[0]))
		client_fail(client, SM_CODE_BAD_REQUEST, "the list of monitors is empty");
	else
		return true;
	return false;
}

static void do_reload(struct client *client, json_t *request)
{
	const char *op, *selector, *image = NULL, *monitors = NULL, *change = NULL;
	struct attachment *attachment;
	json_error_t error;
	char *list;
	int err;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s, s?s, s?s, s?s}", "op", &op,
			   "vm", &selector, "image", &image, "monitors", &monitors, "change",
			   &change) &&
	    unpack_failed(client, &error))
		return;
	if (!check_reload(client, image, monitors, change))
		return;
	attachment = find_any(client, selector);
	if (!attachment || !check_attached(client, attachment))
		return;
	list = join(monitors ? monitors : sm_attachment_monitors(attachment->handle), change);
	err = list ? job_reload(attachment, client, image, list) : -ENOMEM;
	free(list);
	if (err)
		client_fail(client, SM_CODE_FAILED, strerror(-err));
}

static int send_status(struct client *client, struct attachment *attachment, bool with_vcpus)
{
	struct sm_status status;
	json_t *item;
	u32 i;
	int err;

	err = sm_status_read(sm_attachment_fd(attachment->handle), &status);
	if (err)
		return err;
	item = vm_item(&attachment->vm, attachment);
	json_object_set_new(item, "consumer",
			    attachment->consumer ? json_integer(client_pid(attachment->consumer))
						 : json_null());
	json_object_set_new(item, "monitors",
			    json_string(sm_attachment_monitors(attachment->handle)));
	json_object_set_new(item, "status", sm_status_json(&status));
	send_item(client, item);
	for (i = 0; with_vcpus && i < status.vm.count; i++)
		send_item(client, sm_vcpu_status_json(&status.vcpus[i]));
	sm_status_free(&status);
	return 0;
}

static void do_status(struct client *client, json_t *request)
{
	const char *op, *selector = NULL;
	struct attachment *attachment;
	json_error_t error;
	int err = 0;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s?s}", "op", &op, "vm",
			   &selector) &&
	    unpack_failed(client, &error))
		return;
	if (selector) {
		attachment = find_any(client, selector);
		if (!attachment || !check_attached(client, attachment))
			return;
		err = send_status(client, attachment, true);
	} else {
		TAILQ_FOREACH(attachment, &client_daemon(client)->attachments, link)
			if (attachment->state == ATTACHED && !err)
				err = send_status(client, attachment, false);
	}
	if (err)
		client_fail(client, SM_CODE_FAILED, strerror(-err));
	else
		send_ok(client);
}

static void do_events(struct client *client, json_t *request)
{
	struct attachment *attachment;
	const char *op, *selector;
	struct sm_error err;
	json_error_t error;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s}", "op", &op, "vm",
			   &selector) &&
	    unpack_failed(client, &error))
		return;
	attachment = find_any(client, selector);
	if (!attachment)
		return;
	/* A reader gets them when the VM is attached again, or its monitors have changed. */
	if (!attachment->again && attachment->state != RELOADING &&
	    !check_attached(client, attachment))
		return;
	if (attachment->consumer) {
		snprintf(err.text, sizeof(err.text),
			 "the events of this VM are being read by PID %d: one reader at a time",
			 (int)client_pid(attachment->consumer));
		client_fail(client, SM_CODE_BUSY, err.text);
		return;
	}
	attachment_give_events(attachment, client);
}

static void do_schema(struct client *client, json_t *request)
{
	struct attachment *attachment;
	const char *op, *selector;
	json_error_t error;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s}", "op", &op, "vm",
			   &selector) &&
	    unpack_failed(client, &error))
		return;
	attachment = find_any(client, selector);
	if (!attachment)
		return;
	/* Readers ask amid a change, when new records come. */
	if (attachment->state != RELOADING && !check_attached(client, attachment))
		return;
	attachment_send_schema(attachment, client);
	send_ok(client);
}

static const struct {
	const char *op;
	void (*handle)(struct client *client, json_t *request);
} requests[] = {
	{"list", do_list},
	{"attach", do_attach},
	{"detach", do_detach},
	{"status", do_status},
	{"events", do_events},
	{"schema", do_schema},
	{"reload", do_reload},
	{"policy-add", do_policy_add},
	{"policy-delete", do_policy_delete},
	{"policy-mode", do_policy_mode},
	{"policy-list", do_policy_list},
};

void request_handle(struct client *client, json_t *request)
{
	const char *op = json_string_value(json_object_get(request, "op"));
	size_t i;

	if (client_daemon(client)->stopping) {
		client_fail(client, SM_CODE_BUSY, "shadowmond is stopping");
		return;
	}
	for (i = 0; op && i < sizeof(requests) / sizeof(*requests); i++) {
		if (strcmp(op, requests[i].op) == 0) {
			requests[i].handle(client, request);
			return;
		}
	}
	client_fail(client, SM_CODE_BAD_REQUEST, "\"op\" is missing or unknown");
}
