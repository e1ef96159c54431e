/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.h - which addresses go to the stack, and which stay on the host's kernel.
 * A policy is two lists of rules. An address that a rule of "keep" matches stays on the host; when "only" has rules, so does every address
 * that none of those matches. Everything else goes to the stack; an empty policy sends all there.
 * A rule is PREFIX[:PORT[-PORT]]: "127.0.0.0/8", "192.0.2.1:80", "10.0.0.0/8:8000-8999", "::1", "[fd00::/8]:53", ":53" (any address).
 * Promises: text that is no rule is refused whole, never guessed at. IPv4 rules match IPv4-mapped addresses too; IPv6 ones never match IPv4.
 * Never:    allocates or keeps state. */
#ifndef TAPIR_CLIENT_POLICY_H
#define TAPIR_CLIENT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client-lib/protocol.h"

enum { POLICY_RULES_MAX = 64, POLICY_RULE_TEXT_MAX = 80 };

/* How a policy travels to the programs that `tapir run` starts: rules with commas between them. */
#define POLICY_KEEP_VARIABLE "TAPIR_KEEP"
#define POLICY_ONLY_VARIABLE "TAPIR_ONLY"

struct policy_rule {
	uint8_t addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t bits;	  /* of addr that count; IPv4 prefixes have 96 added */
	bool is_any_addr; /* both families, all addresses */
	uint16_t port_first, port_last;
};

struct policy_list {
	struct policy_rule rules[POLICY_RULES_MAX];
	size_t count;
};

struct policy {
	struct policy_list keep, only;
};

/** policy_parse_rule - read one rule. Returns NULL, or what is wrong with @text as a phrase ("the prefix is longer than ..."). */
const char *policy_parse_rule(const char *text, struct policy_rule *rule);

/** policy_parse_list - read rules with commas between them and add them to @list. Returns NULL, or what is wrong; @bad then gets the rule
 * in question (shortened if need be). */
const char *policy_parse_list(const char *text, struct policy_list *list, char bad[POLICY_RULE_TEXT_MAX]);

bool policy_is_empty(const struct policy *p);

/** policy_is_host - whether @a stays on the host. The wildcard (a bind to all addresses) does so only when a rule of "keep" matches it,
 * or when "only" has rules and its port is in none of theirs. */
bool policy_is_host(const struct policy *p, const struct tapir_addr *a);

#endif
