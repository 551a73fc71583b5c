// SPDX-License-Identifier: GPL-2.0-or-later
/* The doctor looks at hosts that this test makes up: a good one, with one thing changed at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../host/lib/doctor.h"

#define SOCKET "/run/control.sock"
#define FLAGS  "flags\t\t: fpu vme vmx ept\n"
#define VMX_FLAGS                                                                                  \
	"vmx flags\t: vnmi preemption_timer invvpid ept_x_only ept_ad ept_1gb eptp_switching ept " \
	"vpid\n"
#define CONFIG \
	"CONFIG_KVM=m\nCONFIG_DYNAMIC_FTRACE_WITH_REGS=y\nCONFIG_KVM_EXTERNAL_WRITE_TRACKING=y\n"

static char root[64];
static struct sm_diagnosis diagnosis;

/* With all folders above it. */
static void put(const char *path, const void *bytes, size_t len)
{
	char full[256], *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static void drop(const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(unlink(full), 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/doctor_test.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	put_text("/proc/sys/kernel/osrelease", "6.1.0-test\n");
	put_text("/proc/sys/kernel/ftrace_enabled", "1\n");
	put_text("/proc/cpuinfo", "processor\t: 0\n" FLAGS VMX_FLAGS);
	put_text("/boot/config-6.1.0-test", CONFIG);
	put_text("/sys/module/kvm_intel/parameters/ept", "Y\n");
	put_text("/sys/module/kvm_intel/parameters/nested", "N\n");
	put_text("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	put_text("/sys/module/module/parameters/sig_enforce", "N\n");
	put_text("/run/x", "");
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const struct sm_check *find(const char *name)
{
	size_t i;

	for (i = 0; i < diagnosis.count; i++)
		if (strcmp(diagnosis.checks[i].name, name) == 0)
			return &diagnosis.checks[i];
	return NULL;
}

/* The one check, and that each says something and only what is not well says what to do. */
static void assert_check(const char *name, enum sm_check_result result)
{
	size_t i;

	sm_diagnose(root, SOCKET, &diagnosis);
	assert_non_null(find(name));
	assert_int_equal(find(name)->result, result);
	for (i = 0; i < diagnosis.count; i++) {
		assert_true(strlen(diagnosis.checks[i].found) > 0);
		assert_int_equal(diagnosis.checks[i].result == SM_CHECK_OK,
				 strlen(diagnosis.checks[i].remedy) == 0);
	}
}

/* --- processor
 * ------------------------------------------------------------------------------------- */

static void good_host_lacks_only_the_module(void **state)
{
	size_t i;

	(void)state;
	assert_check("module", SM_CHECK_MISSING);
	for (i = 0; i < diagnosis.count; i++)
		if (diagnosis.checks[i].result != SM_CHECK_OK)
			assert_true(strcmp(diagnosis.checks[i].name, "module") == 0 ||
				    strcmp(diagnosis.checks[i].name, "daemon") == 0);
	assert_int_equal(diagnosis.missing, 1);
	assert_int_equal(diagnosis.warnings, 1);
}

static void names_a_kernel_with_indirect_branch_tracking(void **state)
{
	(void)state;
	assert_check("kernel-ibt", SM_CHECK_OK);
	put_text("/proc/cpuinfo", "flags\t\t: fpu vmx ibt ept\n" VMX_FLAGS);
	assert_check("kernel-ibt", SM_CHECK_MISSING);
	assert_non_null(strstr(find("kernel-ibt")->remedy, "ibt=off"));
}

static void no_vmx(void **state)
{
	(void)state;
	put_text("/proc/cpuinfo", "flags\t\t: fpu svm\n");
	assert_check("cpu-vmx", SM_CHECK_MISSING);
	assert_check("cpu-ept", SM_CHECK_WARNING);
	assert_check("cpu-vmfunc", SM_CHECK_WARNING);
}

static void no_eptp_switching_by_cpuinfo(void **state)
{
	(void)state;
	put_text("/proc/cpuinfo", FLAGS "vmx flags\t: ept vpid\n");
	assert_check("cpu-vmfunc", SM_CHECK_MISSING);
	assert_check("cpu-ept-1gb", SM_CHECK_WARNING);
	assert_check("cpu-ept", SM_CHECK_OK);
}

/* Part of another word is not the word. */
static void words_are_whole(void **state)
{
	(void)state;
	put_text("/proc/cpuinfo", "flags\t\t: vmxx xvmx\nvmx flags\t: ept_x_only ept_ad xept\n");
	assert_check("cpu-vmx", SM_CHECK_MISSING);
	assert_check("cpu-ept", SM_CHECK_MISSING);
}

static void put_msrs(unsigned long long secondary, unsigned long long vmfunc)
{
	unsigned char msrs[0x4a0] = {0};
	unsigned long long primary = 1ull << 63;

	memcpy(msrs + 0x482, &primary, 8);
	memcpy(msrs + 0x48b, &secondary, 8);
	/* They lie closer together in a file than in a processor; the last one wins. */
	memcpy(msrs + 0x491, &vmfunc, 1);
	put("/dev/cpu/0/msr", msrs, sizeof(msrs));
}

static void msrs_are_believed_first(void **state)
{
	(void)state;
	put_msrs((1ull << 33) | (1ull << 34) | (1ull << 37) | (1ull << 45), 1);
	put_text("/proc/cpuinfo", FLAGS "vmx flags\t: none\n");
	assert_check("cpu-ept", SM_CHECK_OK);
	assert_check("cpu-vmfunc", SM_CHECK_OK);
	assert_check("cpu-descriptor", SM_CHECK_OK);
	assert_check("cpu-vpid", SM_CHECK_OK);
	assert_non_null(strstr(find("cpu-vmfunc")->found, "MSR"));
}

static void no_vm_functions_by_msr(void **state)
{
	(void)state;
	put_msrs((1ull << 33) | (1ull << 37), 1);
	assert_check("cpu-vmfunc", SM_CHECK_MISSING);
	assert_check("cpu-descriptor", SM_CHECK_MISSING);
}

static void vm_functions_without_eptp_switching(void **state)
{
	(void)state;
	put_msrs((1ull << 33) | (1ull << 34) | (1ull << 45), 2);
	assert_check("cpu-vmfunc", SM_CHECK_MISSING);
}

static void ept_pages_of_1_gib_by_msr(void **state)
{
	(void)state;
	put_msrs(1ull << 33, 0);
	assert_check("cpu-ept-1gb", SM_CHECK_WARNING);
	assert_check("cpu-vpid", SM_CHECK_WARNING);
	/* Where the next MSR's bit 17 lies in the file. */
	put_msrs(1ull << 33 | 1ull << 25, 0);
	assert_check("cpu-ept-1gb", SM_CHECK_OK);
}

static void msr_file_that_ends_early(void **state)
{
	(void)state;
	put_text("/dev/cpu/0/msr", "short");
	assert_check("cpu-vmfunc", SM_CHECK_OK); /* by cpuinfo */
}

/* --- kernel
 * ------------------------------------------------------------------------------------------- */

static void kvm_intel_is_not_loaded(void **state)
{
	(void)state;
	drop("/sys/module/kvm_intel/parameters/ept");
	assert_check("kvm-intel", SM_CHECK_MISSING);
}

static void kvm_without_ept(void **state)
{
	(void)state;
	put_text("/sys/module/kvm_intel/parameters/ept", "N\n");
	assert_check("kvm-intel", SM_CHECK_MISSING);
	assert_non_null(strstr(find("kvm-intel")->remedy, "ept=1"));
}

static void ftrace(void **state)
{
	(void)state;
	assert_check("ftrace", SM_CHECK_OK);
	put_text("/boot/config-6.1.0-test", "# CONFIG_DYNAMIC_FTRACE_WITH_REGS is not set\n");
	assert_check("ftrace", SM_CHECK_MISSING);
	put_text("/boot/config-6.1.0-test", "CONFIG_DYNAMIC_FTRACE_WITH_REGS=n\n");
	assert_check("ftrace", SM_CHECK_MISSING);
	put_text("/boot/config-6.1.0-test", CONFIG);
	put_text("/proc/sys/kernel/ftrace_enabled", "0\n");
	assert_check("ftrace", SM_CHECK_MISSING);
	assert_non_null(strstr(find("ftrace")->remedy, "sysctl"));
	drop("/proc/sys/kernel/ftrace_enabled");
	assert_check("ftrace", SM_CHECK_MISSING);
}

static void no_kernel_configuration(void **state)
{
	(void)state;
	drop("/boot/config-6.1.0-test");
	assert_check("ftrace", SM_CHECK_WARNING);
	assert_check("write-tracking", SM_CHECK_WARNING);
}

static void cloud_kernel(void **state)
{
	(void)state;
	put_text("/boot/config-6.1.0-test", "CONFIG_DYNAMIC_FTRACE_WITH_REGS=y\n");
	assert_check("write-tracking", SM_CHECK_WARNING);
}

static void signatures(void **state)
{
	(void)state;
	assert_check("module-signature", SM_CHECK_OK);
	put_text("/sys/module/module/parameters/sig_enforce", "Y\n");
	assert_check("module-signature", SM_CHECK_WARNING);
	put_text("/sys/module/module/parameters/sig_enforce", "N\n");
	put_text("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_check("module-signature", SM_CHECK_WARNING);
	/* Loaded all the same: it was signed. */
	put_text("/sys/module/shadowmon/refcnt", "0\n");
	assert_check("module-signature", SM_CHECK_OK);
}

static void nested_vms(void **state)
{
	(void)state;
	assert_check("nested", SM_CHECK_OK);
	assert_non_null(strstr(find("nested")->found, "off"));
	put_text("/sys/module/kvm_intel/parameters/nested", "Y\n");
	assert_check("nested", SM_CHECK_OK);
	assert_non_null(strstr(find("nested")->found, "not themselves watched"));
}

static void secure_boot_is_told(void **state)
{
	(void)state;
	put("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
	    "\6\0\0\0\1", 5);
	assert_check("module-signature", SM_CHECK_OK);
	assert_non_null(strstr(find("module-signature")->found, "Secure Boot"));
}

/* --- ShadowMonitor
 * -------------------------------------------------------------------------------------- */

static void device_that_is_none(void **state)
{
	(void)state;
	put_text("/dev/shadowmon", "");
	assert_check("module", SM_CHECK_MISSING);
	assert_check("write-tracking", SM_CHECK_OK); /* by the configuration */
}

static void daemon_runs(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	(void)state;
	assert_check("daemon", SM_CHECK_WARNING);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s" SOCKET, root);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_check("daemon", SM_CHECK_OK);
	close(fd);
	assert_check("daemon", SM_CHECK_WARNING);
}

static void nothing_at_all(void **state)
{
	(void)state;
	sm_diagnose("/nowhere", SOCKET, &diagnosis);
	assert_true(diagnosis.count > 5);
	assert_true(diagnosis.missing >= 3);
}

static void path_that_is_too_long(void **state)
{
	static char long_path[8192];

	(void)state;
	memset(long_path, 'a', sizeof(long_path) - 1);
	long_path[0] = '/';
	sm_diagnose(root, long_path, &diagnosis);
	assert_int_equal(find("daemon")->result, SM_CHECK_WARNING);
	sm_diagnose(long_path, SOCKET, &diagnosis);
	assert_true(diagnosis.missing >= 3);
}

static void json(void **state)
{
	json_t *object, *checks;

	(void)state;
	sm_diagnose(root, SOCKET, &diagnosis);
	object = sm_diagnosis_json(&diagnosis);
	assert_true(json_is_false(json_object_get(object, "ready")));
	assert_int_equal(json_integer_value(json_object_get(object, "missing")), diagnosis.missing);
	assert_int_equal(json_integer_value(json_object_get(object, "warnings")),
			 diagnosis.warnings);
	checks = json_object_get(object, "checks");
	assert_int_equal(json_array_size(checks), diagnosis.count);
	assert_string_equal(json_string_value(json_object_get(json_array_get(checks, 0), "name")),
			    "cpu-vmx");
	assert_string_equal(json_string_value(json_object_get(json_array_get(checks, 0), "result")),
			    "ok");
	json_decref(object);
}

#define HOST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST(good_host_lacks_only_the_module),
		HOST(names_a_kernel_with_indirect_branch_tracking),
		HOST(no_vmx),
		HOST(no_eptp_switching_by_cpuinfo),
		HOST(words_are_whole),
		HOST(msrs_are_believed_first),
		HOST(no_vm_functions_by_msr),
		HOST(vm_functions_without_eptp_switching),
		HOST(ept_pages_of_1_gib_by_msr),
		HOST(msr_file_that_ends_early),
		HOST(kvm_intel_is_not_loaded),
		HOST(kvm_without_ept),
		HOST(ftrace),
		HOST(no_kernel_configuration),
		HOST(cloud_kernel),
		HOST(signatures),
		HOST(nested_vms),
		HOST(secure_boot_is_told),
		HOST(device_that_is_none),
		HOST(daemon_runs),
		cmocka_unit_test(nothing_at_all),
		HOST(path_that_is_too_long),
		HOST(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
