/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How shadowmond is spoken to: a SOCK_SEQPACKET socket of mode 0600, for root alone.  Each message
 * is one JSON object of at most SM_MESSAGE_MAX bytes.  A client has one request under way at a
 * time:
 *
 *   {"op": "list"}                        every KVM VM of the host
 *   {"op": "attach", "vm": VM,            VM: name, PID or PID:FD.  The rest is optional:
 *    "full_ring": "drop" | "block",       what a full ring does
 *    "ring_size": BYTES,                  of each vCPU: a power of two, 16 KiB to 1 MiB
 *    "budget_us": N,                      longest run of a monitor: 100 to 1,000,000
 *    "max_aborts": N,                     of one hook's activations until it is disabled; 0: never
 *    "timeout_ms": N,                     for the whole of it: 1 to 600,000
 *    "image": PATH,                       absolute; the monitors to load
 *    "monitors": LIST,                    which of them to hook: names with commas between, "default", "all"
 *    "transport": "gate" | "exit" | "user"}   how events reach the monitors; others than gate to compare
 *   {"op": "reload", "vm": VM,            other monitors, without a gap in the events of those that stay.  Optional:
 *    "image": PATH,                       absolute; else the file of the one that runs, as it is now
 *    "monitors": LIST}                    else those that run; or
 *    "change": LIST}                      to be added to those that run; with '-' before a name: taken out
 *   {"op": "detach", "vm": VM, "timeout_ms": N}    1 to 60,000: for the guest to unhook
 *   {"op": "status", "vm": VM}            without vm: of all attachments
 *   {"op": "events", "vm": VM}
 *   {"op": "schema", "vm": VM}            what the VM's monitors declare
 *
 * Unknown members are refused.  What comes back, in this order:
 *
 *   {"progress": TEXT}                    attach, reload: any number of these
 *   {"item": {...}}                       list, status: one for each VM; status of one VM: then one
 *                                         {"item": {"vcpu": N, ...}} for each vCPU.  events, schema:
 *                                         {"item": {"event": {"entries": [[NAME, KIND, MAX, VALUE],
 *                                         ...]}}} for each declared event, in the order of the types
 *                                         of their records: struct sm_schema_entry, abi/schema.h
 *   {"ok": true, ...}  or
 *   {"ok": false, "code": CODE, "error": SENTENCE}
 *
 * The last message of "events" brings the attachment's file descriptor (SCM_RIGHTS), and makes the
 * client its consumer until it closes the connection.  Nobody else gets the descriptor meanwhile.  While a VM
 * that was reset boots, the answer waits until it is attached again.
 */
#ifndef SHADOWMON_DAEMON_PROTOCOL_H
#define SHADOWMON_DAEMON_PROTOCOL_H

/* Unix sockets split larger SOCK_SEQPACKET messages: keep well below half a send buffer. */
#define SM_MESSAGE_MAX 65536

#define SM_SOCKET_PATH     "/run/shadowmon/control.sock"
#define SM_SOCKET_ENV      "SHADOWMON_SOCKET"
#define SM_IMAGE_PATH      "/usr/lib/shadowmon/monitors.o"
#define SM_USER_IMAGE_PATH "/usr/lib/shadowmon/monitors-user.o"
#define SM_IMAGE_ENV       "SHADOWMON_IMAGE"
/* What "shadowmon bench" measures. */
#define SM_BENCH_IMAGE_PATH      "/usr/lib/shadowmon/bench.o"
#define SM_BENCH_USER_IMAGE_PATH "/usr/lib/shadowmon/bench-user.o"

/* Limits of what a request may ask for. */
#define SM_VM_SELECTOR_MAX       255
#define SM_ATTACH_TIMEOUT_MS_MAX 600000
#define SM_ATTACH_TIMEOUT_MS     60000 /* unless asked otherwise */
#define SM_DETACH_TIMEOUT_MS_MAX 60000
#define SM_DETACH_TIMEOUT_MS     5000

/* Codes of what failed. */
#define SM_CODE_BAD_REQUEST      "bad-request"
#define SM_CODE_NOT_FOUND        "not-found"
#define SM_CODE_AMBIGUOUS        "ambiguous"
#define SM_CODE_NOT_ATTACHED     "not-attached"
#define SM_CODE_ALREADY_ATTACHED "already-attached"
#define SM_CODE_BUSY             "busy"
#define SM_CODE_TIMEOUT          "timeout"
#define SM_CODE_FAILED           "failed"

#endif
