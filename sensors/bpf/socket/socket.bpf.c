//go:build ignore

/* TCP connections this host opens and ports it begins to listen on, by the typed tracepoint inet_sock_set_state: both changes happen in
 * the calling process (kernel 5.15 on).
 * SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#include "../hoalu.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct in6_addr { union { __u8 u6_addr8[16]; } in6_u; };
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	short unsigned int skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};
struct sock { struct sock_common __sk_common; };
#pragma clang attribute pop

enum { TCP_SYN_SENT = 2, TCP_LISTEN = 10, AF_INET = 2, AF_INET6 = 10 };

struct record {
	__u64 boot_ns;
	__u32 kind;   /* 1 connect, 2 listen */
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__u16 family;
	__u16 lport;  /* host order */
	__u16 rport;  /* network order */
	__u16 pad;
	__u8 laddr[16];
	__u8 raddr[16];
	char comm[16];
	char pcomm[16];
	struct place place;
};

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk, int oldstate, int newstate)
{
	if (newstate != TCP_SYN_SENT && newstate != TCP_LISTEN)
		return 0;
	book(0);
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	if (is_own(pid)) {
		book(3);
		return 0;
	}
	struct record *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (!r) {
		book(2);
		return 0;
	}
	struct task_struct *task = (void *)bpf_get_current_task();
	__builtin_memset(r, 0, sizeof(*r));
	r->boot_ns = bpf_ktime_get_boot_ns();
	r->kind = newstate == TCP_LISTEN ? 2 : 1;
	r->pid = pid;
	r->ppid = BPF_CORE_READ(task, real_parent, tgid);
	r->uid = BPF_CORE_READ(task, cred, uid.val);
	place_of(&r->place, task);
	r->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	r->lport = BPF_CORE_READ(sk, __sk_common.skc_num);
	r->rport = BPF_CORE_READ(sk, __sk_common.skc_dport);
	if (r->family == AF_INET6) {
		BPF_CORE_READ_INTO(&r->laddr, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&r->raddr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	} else {
		__be32 a = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		__be32 b = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		__builtin_memcpy(r->laddr, &a, 4);
		__builtin_memcpy(r->raddr, &b, 4);
	}
	BPF_CORE_READ_STR_INTO(&r->comm, task, comm);
	BPF_CORE_READ_STR_INTO(&r->pcomm, task, real_parent, comm);
	bpf_ringbuf_submit(r, wake_flags());
	book(1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
