// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys that are made, and whose secrets are read. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

#define KEY_CREATE(F)          \
	F(SM_STRING(32), type) \
	F(SM_STRING(256), description)
SM_EVENT(key_create, KEY_CREATE);

#define KEY_READ(F) F(SM_S32, serial)
SM_EVENT(key_read, KEY_READ);

SM_MONITOR(key_create, "security_key_alloc", u64 key, u64 cred, u64 flags)
{
	struct sm_event_key_create *e = SM_RESERVE(key_create);

	(void)cred, (void)flags;
	if (!e)
		return SM_ALLOW;
	SM_PUT_STRING(e, type, SM_READ64(SM_READ64(key, key, type), key_type, name));
	SM_PUT_STRING(e, description, SM_READ64(key, key, description));
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(key_read, "keyctl_read_key", u32 serial, u64 buffer, u64 len)
{
	struct sm_event_key_read *e = SM_RESERVE(key_read);

	(void)buffer, (void)len;
	if (!e)
		return SM_ALLOW;
	e->serial = (s32)serial;
	SM_COMMIT(e);
	return SM_ALLOW;
}
