/* What the probes share: the few kernel types they read, by name (CO-RE relocates the offsets on the running kernel), the ring, and
 * the per-CPU books seen = sent + dropped + filtered.
 * SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef HOALU_BPF_H
#define HOALU_BPF_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u16 __sum16;
typedef unsigned char bool;

enum { BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_RINGBUF = 27 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2, BPF_RB_AVAIL_DATA = 0 };

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kuid_t { __u32 val; };
typedef struct kuid_t kuid_t;
struct cred { kuid_t uid; kuid_t euid; };
struct mm_struct { unsigned long arg_start; unsigned long arg_end; };
struct ns_common { unsigned int inum; };
struct mnt_namespace { struct ns_common ns; };
struct task_struct;
struct pid_namespace { struct ns_common ns; struct task_struct *child_reaper; };
struct nsproxy { struct mnt_namespace *mnt_ns; struct pid_namespace *pid_ns_for_children; };
struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *cred;
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	__u64 start_boottime;
	char comm[16];
};
struct linux_binprm { const char *filename; const char *interp; };

#pragma clang attribute pop

/* Where a process lives; attach/container.go reads it. The first process of its process namespace, with its start, names a container
 * once and for all: numbers of namespaces are used again. */
struct place {
	__u64 first_start; /* of the first process, boot time */
	__u32 mnt_ns;      /* number of its mount namespace */
	__u32 pid_ns;
	__u32 first_pid;   /* of the first process, as this host counts */
	__u32 pad;
};

static __always_inline void place_of(struct place *p, struct task_struct *task)
{
	p->mnt_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	p->pid_ns = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
	p->first_pid = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, child_reaper, tgid);
	p->first_start = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, child_reaper, start_boottime);
	p->pad = 0;
}

#define WAKE_BYTES (64 * 1024)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 * 1024 * 1024);
} events SEC(".maps");

/* books[0] seen, [1] sent, [2] dropped, [3] filtered */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} books SEC(".maps");

/* own[0] is the process id of the sensor, whose own doings are filtered */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} own SEC(".maps");

static __always_inline void book(__u32 column)
{
	__u64 *n = bpf_map_lookup_elem(&books, &column);
	if (n)
		*n += 1;
}

static __always_inline bool is_own(__u32 tgid)
{
	__u32 zero = 0;
	__u32 *p = bpf_map_lookup_elem(&own, &zero);
	return p && *p && *p == tgid;
}

/* Readers are woken once much waits; a timer of the reader takes the rest (a wake-up an event costs 4 to 16 times the event). */
static __always_inline __u64 wake_flags(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= WAKE_BYTES ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

#endif
