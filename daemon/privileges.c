/* SPDX-License-Identifier: BSD-2-Clause */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

enum { NR_OPEN_DEFAULT = 1 << 20 };

static rlim_t read_nr_open(void)
{
	unsigned long n = NR_OPEN_DEFAULT;
	FILE *f = fopen("/proc/sys/fs/nr_open", "re");

	if (f) {
		if (fscanf(f, "%lu", &n) != 1)
			n = NR_OPEN_DEFAULT;
		fclose(f);
	}
	return n;
}

uint32_t privileges_raise_fds(void)
{
	struct rlimit now = { 0 }, most;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0)
		return 1024;
	most.rlim_cur = most.rlim_max = read_nr_open();
	if (most.rlim_max > now.rlim_max && setrlimit(RLIMIT_NOFILE, &most) == 0)
		return (uint32_t)most.rlim_cur;
	now.rlim_cur = now.rlim_max;
	setrlimit(RLIMIT_NOFILE, &now);
	return (uint32_t)now.rlim_cur;
}

/* Give up every capability, but those in @keep while this uid lasts. Returns 0 or -errno. */
static int set_capabilities(const cap_value_t *keep, int keep_count)
{
	cap_t caps = cap_init();
	int err = caps ? 0 : -ENOMEM;

	if (!err && keep_count && (cap_set_flag(caps, CAP_PERMITTED, keep_count, keep, CAP_SET) < 0 ||
				   cap_set_flag(caps, CAP_EFFECTIVE, keep_count, keep, CAP_SET) < 0))
		err = -errno;
	/* The bounding set first, while we may. Without CAP_SETPCAP it stays, and no_new_privs does the work. */
	for (cap_value_t c = 0; c <= cap_max_bits() - 1; c++)
		cap_drop_bound(c);
	cap_reset_ambient();
	if (!err && cap_set_proc(caps) < 0)
		err = -errno;
	cap_free(caps);
	return err;
}

static bool is_root(void)
{
	return geteuid() == 0;
}

uint32_t privileges_uid(const char *user)
{
	const struct passwd *p = user[0] || is_root() ? getpwnam(user[0] ? user : "nobody") : NULL;

	return p ? p->pw_uid : geteuid();
}

/* 0, or a status of <sysexits.h>. Not finding nobody's uid in this user namespace is fine when nobody was not asked for. */
static int change_user(const char *user, char *error)
{
	bool asked = user[0] != '\0';
	const struct passwd *p;

	if (!asked && !is_root())
		return 0;
	errno = 0;
	p = getpwnam(asked ? user : "nobody");
	if (!p) {
		if (!asked)
			return 0;
		snprintf(error, PRIVILEGES_ERROR_MAX, "--user %s: no such user", user);
		return EX_NOUSER;
	}
	if (p->pw_uid == geteuid())
		return 0;
	if (setgroups(0, NULL) == 0 && setresgid(p->pw_gid, p->pw_gid, p->pw_gid) == 0 && setresuid(p->pw_uid, p->pw_uid, p->pw_uid) == 0)
		return 0;
	/* In a user namespace of one uid: setgroups() is forbidden, or the ids are not mapped. */
	if (!asked && (errno == EPERM || errno == EINVAL) && is_root())
		return 0;
	snprintf(error, PRIVILEGES_ERROR_MAX, "--user %s: %s", p->pw_name, strerror(errno));
	return EX_NOPERM;
}

int privileges_drop(const char *user, uint32_t *uid, char error[PRIVILEGES_ERROR_MAX])
{
	int status, err;

	/* setresuid() to another uid clears the capabilities that set_capabilities() needs for the bounding set. */
	prctl(PR_SET_KEEPCAPS, 1);
	status = change_user(user, error);
	if (status)
		return status;
	prctl(PR_SET_KEEPCAPS, 0);
	err = set_capabilities(NULL, 0);
	if (err == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0))
		err = -errno;
	if (err < 0) {
		snprintf(error, PRIVILEGES_ERROR_MAX, "dropping privileges: %s", strerror(-err));
		return EX_OSERR;
	}
	*uid = geteuid();
	return 0;
}

void privileges_keep_file_access(void)
{
	static const cap_value_t keep[] = { CAP_DAC_OVERRIDE };

	/* Without it (not root) our own directories are enough. */
	if (set_capabilities(keep, 1) < 0)
		set_capabilities(NULL, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
