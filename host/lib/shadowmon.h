/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libshadowmon: attach to VMs, read their events, look at the host. */
#ifndef SHADOWMON_LIB_SHADOWMON_H
#define SHADOWMON_LIB_SHADOWMON_H

#include "attach.h"
#include "clock.h"
#include "doctor.h"
#include "event.h"
#include "fit.h"
#include "policy.h"
#include "process_table.h"
#include "reader.h"
#include "schema.h"
#include "status.h"
#include "vms.h"

#define SM_VERSION "0.1.0"

#endif
