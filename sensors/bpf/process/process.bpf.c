//go:build ignore

/* exec and exit of every process, by the typed tracepoints sched_process_exec and sched_process_exit (kernel 5.15 on).
 * SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#include "../hoalu.bpf.h"

#define ARGS 1024
#define PATH 256

/* One record; process.go reads it at the same offsets. Everything up to path has a fixed place. */
struct record {
	__u64 boot_ns;   /* when */
	__u64 start_ns;  /* of the process, boot time */
	struct place place;
	__u32 kind;      /* 1 exec, 2 exit */
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__s32 exit_code;
	__u32 args_len;  /* bytes of args, NUL between them */
	__u32 path_len;
	__u32 truncated; /* args were longer */
	char comm[16];
	char pcomm[16];
	char path[PATH];
	char args[ARGS];
};

static __always_inline void head(struct record *r, struct task_struct *task, __u32 kind)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	r->boot_ns = bpf_ktime_get_boot_ns();
	r->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	r->kind = kind;
	r->pid = BPF_CORE_READ(task, tgid);
	r->ppid = BPF_CORE_READ(parent, tgid);
	r->uid = BPF_CORE_READ(task, cred, uid.val);
	place_of(&r->place, task);
	r->exit_code = 0;
	r->args_len = 0;
	r->path_len = 0;
	r->truncated = 0;
	BPF_CORE_READ_STR_INTO(&r->comm, task, comm);
	BPF_CORE_READ_STR_INTO(&r->pcomm, parent, comm);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	book(0);
	if (is_own(bpf_get_current_pid_tgid() >> 32)) {
		book(3);
		return 0;
	}
	struct record *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (!r) {
		book(2);
		return 0;
	}
	head(r, task, 1);
	long n = bpf_probe_read_kernel_str(r->path, PATH, BPF_CORE_READ(bprm, filename));
	r->path_len = n > 0 ? n - 1 : 0;
	unsigned long from = BPF_CORE_READ(task, mm, arg_start);
	unsigned long len = BPF_CORE_READ(task, mm, arg_end) - from;
	if (len > ARGS - 1) {
		len = ARGS - 1;
		r->truncated = 1;
	}
	len &= ARGS - 1;
	if (bpf_probe_read_user(r->args, len, (void *)from) == 0)
		r->args_len = len;
	bpf_ringbuf_submit(r, wake_flags());
	book(1);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u64 id = bpf_get_current_pid_tgid();
	if ((__u32)id != id >> 32)
		return 0; /* a thread */
	book(0);
	if (is_own(id >> 32)) {
		book(3);
		return 0;
	}
	struct record *r = bpf_ringbuf_reserve(&events, __builtin_offsetof(struct record, path), 0);
	if (!r) {
		book(2);
		return 0;
	}
	head(r, task, 2);
	r->exit_code = BPF_CORE_READ(task, exit_code);
	bpf_ringbuf_submit(r, wake_flags());
	book(1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
