/* SPDX-License-Identifier: BSD-2-Clause */
#include "user.h"

#include <stdlib.h>

#include "daemon.h"

struct user *user_get(struct users *users, uint32_t uid)
{
	struct user *u;

	for (u = users->head; u; u = u->next) {
		if (u->uid == uid) {
			u->refs++;
			return u;
		}
	}
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	u->refs = 1;
	u->next = users->head;
	users->head = u;
	return u;
}

void user_put(struct users *users, struct user *u)
{
	struct user **at = &users->head;

	if (--u->refs)
		return;
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	free(u);
}

bool user_is_privileged(const struct daemon *d, const struct user *u)
{
	return u->uid == 0 || u->uid == d->owner_uid;
}
