// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *   fentry FUNCTION    a BPF program that does nothing, at FUNCTION's entry while a process starts; writes how often it ran
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr, const char *what)
{
	int ret = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	if (ret < 0)
		die(what);
	return ret;
}

/* What follows a struct btf_type, in bytes. */
static size_t tail_size(const struct btf_type *type)
{
	size_t n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return n * 12;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return n * 8;
	default:
		return 0;
	}
}

static __u32 find_function(const char *name)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY);
	const struct btf_header *header;
	const char *strings, *at, *end;
	struct stat st;
	char *bytes;
	ssize_t got = 1;
	off_t done = 0;
	__u32 id;

	if (fd < 0 || fstat(fd, &st))
		die("/sys/kernel/btf/vmlinux");
	bytes = malloc((size_t)st.st_size);
	for (; bytes && done < st.st_size && got > 0; done += got)
		got = read(fd, bytes + done, (size_t)(st.st_size - done));
	if (!bytes || got <= 0)
		die("read");
	header = (void *)bytes;
	strings = bytes + header->hdr_len + header->str_off;
	at = bytes + header->hdr_len + header->type_off;
	end = at + header->type_len;
	for (id = 1; at < end; id++) {
		const struct btf_type *type = (void *)at;

		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
		    !strcmp(strings + type->name_off, name))
			return id;
		at += sizeof(*type) + tail_size(type);
	}
	fprintf(stderr, "fentry: no function %s\n", name);
	exit(1);
}

static int load(__u32 function)
{
	static const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.expected_attach_type = BPF_TRACE_FENTRY,
		.attach_btf_id = function,
		.insns = (__u64)program,
		.insn_cnt = 2,
		.license = (__u64) "GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr, "BPF_PROG_LOAD");
}

int main(int argc, char **argv)
{
	struct bpf_prog_info info = {0};
	union bpf_attr stats = {.enable_stats.type = BPF_STATS_RUN_TIME};
	union bpf_attr attach = {0}, query = {0};
	int program, status;

	if (argc != 2)
		return 2;
	program = load(find_function(argv[1]));
	bpf(BPF_ENABLE_STATS, &stats, "BPF_ENABLE_STATS");
	attach.raw_tracepoint.prog_fd = (__u32)program;
	bpf(BPF_RAW_TRACEPOINT_OPEN, &attach, "BPF_RAW_TRACEPOINT_OPEN");
	if (!fork()) {
		execl("/usr/bin/true", "true", NULL);
		_exit(127);
	}
	wait(&status);
	query.info.bpf_fd = (__u32)program;
	query.info.info_len = sizeof(info);
	query.info.info = (__u64)&info;
	bpf(BPF_OBJ_GET_INFO_BY_FD, &query, "BPF_OBJ_GET_INFO_BY_FD");
	printf("%llu\n", (unsigned long long)info.run_cnt);
	return !info.run_cnt || status;
}
