/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SDK's header, but all arguments come in the registers that C uses. */
#include_next <shadowmon/monitor.h>

#undef SM_HANDLER_R10
#define SM_HANDLER_R10(id, parameters, arguments) SM_HANDLER(id, parameters, arguments)
