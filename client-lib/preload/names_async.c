/* SPDX-License-Identifier: BSD-2-Clause */
/* getaddrinfo_a(3). Look-ups ask nobody on the network yet, so they are done before it returns; gai_error(3) and gai_suspend(3), which are the
 * C library's, then find them done. */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "client-lib/include/tapir/socket.h"
#include "client-lib/preload/preload.h"

static void *run_function(void *arg)
{
	struct sigevent event = *(struct sigevent *)arg;

	free(arg);
	event.sigev_notify_function(event.sigev_value);
	return NULL;
}

static void notify_by_thread(const struct sigevent *event)
{
	struct sigevent *copy = malloc(sizeof(*copy));
	pthread_attr_t own, *attributes = event->sigev_notify_attributes;
	pthread_t thread;

	if (!copy)
		return;
	*copy = *event;
	pthread_attr_init(&own);
	pthread_attr_setdetachstate(&own, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, attributes ? attributes : &own, run_function, copy) != 0)
		free(copy);
	pthread_attr_destroy(&own);
}

PRELOAD_EXPORT int getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event)
{
	preload_enter();
	if (mode != GAI_WAIT && mode != GAI_NOWAIT) {
		errno = EINVAL;
		return EAI_SYSTEM;
	}
	for (int i = 0; i < count; i++)
		if (list[i])
			list[i]->__return = tapir_getaddrinfo(list[i]->ar_name, list[i]->ar_service, list[i]->ar_request,
							      &list[i]->ar_result);
	if (mode == GAI_WAIT || !event)
		return 0;
	if (event->sigev_notify == SIGEV_SIGNAL)
		sigqueue(getpid(), event->sigev_signo, event->sigev_value);
	else if (event->sigev_notify == SIGEV_THREAD)
		notify_by_thread(event);
	return 0;
}
